#pragma once
#include "nn/torch.h"

namespace voxconv::native {

/// A one-dimensional ConvNeXt block (Liu et al. 2022; over time as in Vocos, Siuzdak 2023) on [B, T, C], optionally modulated by a
/// condition.
class ConvNeXtImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t kernel = 7;
  static constexpr std::int64_t reach = kernel / 2;  ///< frames either side an output frame depends on

  /// condition_dim > 0: `condition` scales and shifts the normalised features (FiLM).
  ConvNeXtImpl(std::int64_t channels, std::int64_t expansion, std::int64_t condition_dim = 0);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& condition = {});

 private:
  torch::nn::Conv1d depthwise_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear expand_{nullptr}, contract_{nullptr}, film_{nullptr};
  torch::Tensor scale_;
};
TORCH_MODULE(ConvNeXt);

/// Conv1d with "same" padding on [B, T, C].
torch::Tensor convolve_time(torch::nn::Conv1d& conv, const torch::Tensor& x);

}  // namespace voxconv::native
