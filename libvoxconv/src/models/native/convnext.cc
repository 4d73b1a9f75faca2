#include "models/native/convnext.h"

#include "nn/conv.h"
#include "nn/linear.h"

namespace voxconv::native {

torch::Tensor convolve_time(torch::nn::Conv1d& conv, const torch::Tensor& x) { return conv(x.transpose(1, 2)).transpose(1, 2); }

ConvNeXtImpl::ConvNeXtImpl(std::int64_t channels, std::int64_t expansion, std::int64_t condition_dim) {
  depthwise_ =
      register_module("depthwise", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, channels, kernel).padding(reach).groups(channels)));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  expand_ = register_module("expand", torch::nn::Linear(channels, channels * expansion));
  contract_ = register_module("contract", torch::nn::Linear(channels * expansion, channels));
  scale_ = register_parameter("scale", torch::full({channels}, 0.1));
  if (condition_dim > 0) {
    film_ = register_module("film", torch::nn::Linear(condition_dim, 2 * channels));
    torch::NoGradGuard no_grad;
    film_->weight.mul_(0.1);
    film_->bias.zero_();
  }
}

torch::Tensor ConvNeXtImpl::forward(const torch::Tensor& x, const torch::Tensor& condition) {
  torch::Tensor h = norm_(nn::depthwise(x, depthwise_->weight, depthwise_->bias));
  if (!film_.is_empty()) {
    const auto parts = film_(condition).unsqueeze(1).chunk(2, -1);
    h = h * (1 + parts[0]) + parts[1];
  }
  return x + scale_ * nn::linear(torch::gelu(nn::linear(h, expand_->weight, expand_->bias)), contract_->weight, contract_->bias);
}

}  // namespace voxconv::native
