#pragma once
#include <cstdint>
#include <vector>

#include "nn/torch.h"

namespace voxconv::nn {

/// What is done to the result of a layer, inside its kernel where the library can.
enum class Activation { none, relu, leaky_relu, gelu, tanh };

struct ConvShape {
  std::vector<std::int64_t> stride = {1, 1}, padding = {0, 0}, dilation = {1, 1};
  std::int64_t groups = 1;
};

/// A convolution for inference whose weights are packed once. On the CPU it works on images in channels-last memory through oneDNN's fused
/// kernels; a sound of T samples in C channels is the image [1, C, 1, T]. Const and thread-safe.
class PackedConv {
 public:
  PackedConv() = default;
  /// `weight` [out, in / groups, kh, kw] or [out, in / groups, k] (then kh = 1), `bias` [out] or undefined; computed in `type`.
  PackedConv(const torch::Tensor& weight, const torch::Tensor& bias, ConvShape shape, torch::Device device, torch::ScalarType type,
             Activation activation = Activation::none, double slope = 0.1);
  /// x [B, in, H, W] -> [B, out, H', W'], channels-last.
  torch::Tensor operator()(const torch::Tensor& x) const;
  /// The same plus `residual` [B, out, H', W'] after the convolution (the activation must be none).
  torch::Tensor add(const torch::Tensor& x, const torch::Tensor& residual) const;

 private:
  torch::Tensor plain(const torch::Tensor& x) const;

  torch::Tensor weight_, bias_;
  torch::ScalarType type_ = torch::kFloat;  ///< of the result
  ConvShape shape_;
  Activation activation_ = Activation::none;
  double slope_ = 0.1;
  bool fused_ = false;
};

/// Whether oneDNN's kernels with packed weights and fused activations compute in `type` on `device`.
bool can_fuse(torch::Device device, torch::ScalarType type);

/// The activation as a step of its own, in place where it can be. `slope` is the leaky one's.
torch::Tensor activate_(torch::Tensor y, Activation activation, double slope);

/// Depthwise convolution over time: x [T, C] or [B, T, C] with weight [C, 1, taps] (odd) and bias [C] -> the same shape, zeros beyond the
/// ends. What torch::conv1d(x transposed) gives, many times quicker on the CPU: oneDNN has a fast kernel for images whose strides say
/// channels-last, and conv1d never builds one. Gradients flow.
torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace voxconv::nn
