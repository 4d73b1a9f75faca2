#include "models/rvc/mrf_hifigan.h"

#include <fmt/format.h>

namespace voxconv::rvc {

HifiGanNames mrf_hifigan_names() {
  HifiGanNames names;
  names.up = "upsamples";
  names.residual = [](std::size_t stage, std::size_t block, std::size_t, std::size_t step, int which) {
    return fmt::format("mrfs.{}.{}.layers.{}.conv{}", stage, block, step, which + 1);
  };
  names.partials = 9;
  names.post_bias = true;
  return names;
}

}  // namespace voxconv::rvc
