#pragma once
#include "nn/conv.h"
#include "nn/minimal_filter.h"

namespace voxconv::nn {

/// A convolution over time for inference, without padding, by the quickest way there is. In float32 on the CPU that is minimal filtering
/// with its products made as one grouped convolution, which needs half of the arithmetic; sums round a few times worse than in a plain
/// convolution then (relative errors of about 1e-6). Otherwise a PackedConv. Const and thread-safe.
class TimeConv {
 public:
  TimeConv() = default;
  /// `weight` [out, in, k], `bias` [out]; `slope`: of the leaky ReLU on the result, 1: none.
  TimeConv(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t dilation, torch::Device device, torch::ScalarType type,
           double slope = 1);
  /// x [1, in, 1, L] channels-last -> [1, out, 1, L - (k - 1) * dilation].
  torch::Tensor operator()(const torch::Tensor& x) const;
  /// The same plus `residual` (the slope must be 1).
  torch::Tensor add(const torch::Tensor& x, const torch::Tensor& residual) const;

 private:
  void prepare(const torch::Tensor& weight);
  torch::Tensor filter(const torch::Tensor& x, const torch::Tensor& residual) const;
  torch::Tensor transformed(const torch::Tensor& rows, std::int64_t groups) const;

  PackedConv conv_;  ///< the whole convolution or, with a filter, its products
  const MinimalFilter* filter_ = nullptr;
  torch::Tensor bias_;
  std::int64_t kernel_ = 1, dilation_ = 1, segments_ = 1;
  float slope_ = 1;
};

}  // namespace voxconv::nn
