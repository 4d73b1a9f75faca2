#pragma once
#include "nn/torch.h"

namespace voxconv::nn {

/// Depthwise convolution over time: x [T, C] or [B, T, C] with weight [C, 1, taps] (odd) and bias [C] -> the same shape, zeros beyond the
/// ends. What torch::conv1d(x transposed) gives, many times quicker on the CPU: oneDNN has a fast kernel for images whose strides say
/// channels-last, and conv1d never builds one. Gradients flow.
torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace voxconv::nn
