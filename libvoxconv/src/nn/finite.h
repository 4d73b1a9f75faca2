#pragma once
#include <string>

#include "nn/safetensors.h"

namespace voxconv::nn {

/// Whether all numbers of a tensor are finite; true where there are none to look at (integers, the meta device).
bool all_finite(const torch::Tensor& tensor);

/// A network's weight: file.get(name), where its numbers are finite; a network with others gives silence. Throws Error(bad_model).
torch::Tensor finite_weight(const Safetensors& file, const std::string& name);

}  // namespace voxconv::nn
