#pragma once
#include "nn/torch.h"

namespace voxconv::nn {

/// Runs the layers where it is safe in a half-precision type while in scope; kFloat: does nothing. Not for nesting.
class Autocast {
 public:
  Autocast(torch::ScalarType type, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool on_;
};

}  // namespace voxconv::nn
