#pragma once
#include <string>

#include "nn/safetensors.h"

namespace voxconv::golden {

/// Tensors of tests/data/golden/<name>.safetensors, made from the original code by scripts/goldens/<name>.py.
inline nn::Safetensors open(const std::string& name) {
  return nn::Safetensors(std::string(VOXCONV_TEST_DATA "/golden/") + name + ".safetensors");
}

/// Five seconds of speech at 16 kHz.
inline torch::Tensor clip() { return open("content").get("audio").to(torch::kFloat) / 32768; }

/// |value - reference| / |reference|.
inline double relative_error(const torch::Tensor& value, const torch::Tensor& reference) {
  return ((value - reference).norm() / reference.norm()).item<double>();
}

}  // namespace voxconv::golden
