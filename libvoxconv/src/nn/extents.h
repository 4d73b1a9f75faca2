#pragma once
#include <cstdint>

#include "nn/torch.h"

namespace voxconv::nn {

/// Whether the extents of a tensor, those of 0 left out, multiply to a number that LibTorch can have. It multiplies them of empty tensors
/// too, and throws an error of its own where they overflow.
inline bool extents_can_be(torch::IntArrayRef extents) {
  constexpr std::int64_t most = std::int64_t(1) << 48;
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    if (extent > most / product) return false;
    if (extent > 0) product *= extent;
  }
  return true;
}

}  // namespace voxconv::nn
