#include "nn/linear.h"

namespace voxconv::nn {

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat || weight.scalar_type() != torch::kFloat || x.numel() == 0 || !at::hasMKLDNN())
    return torch::linear(x, weight, bias);
  const torch::NoGradGuard guard;
  return at::mkldnn_linear(x.contiguous().to_mkldnn(), weight, bias).to_dense();
}

}  // namespace voxconv::nn
