#include "nn/autocast.h"

#include <ATen/autocast_mode.h>

namespace voxconv::nn {

Autocast::Autocast(torch::ScalarType type, torch::Device device) : device_(device.type()), on_(type != torch::kFloat) {
  if (!on_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, type);
}

Autocast::~Autocast() {
  if (!on_) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace voxconv::nn
