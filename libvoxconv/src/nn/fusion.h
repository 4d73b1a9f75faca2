#pragma once
#include "nn/conv.h"
#include "nn/torch.h"

namespace voxconv::nn {

/// Whether oneDNN's kernels with packed weights and fused activations compute in `type` on `device`.
bool can_fuse(torch::Device device, torch::ScalarType type);

/// The activation as a step of its own, in place where it can be. `slope` is the leaky one's.
torch::Tensor activate_(torch::Tensor y, Activation activation, double slope);

}  // namespace voxconv::nn
