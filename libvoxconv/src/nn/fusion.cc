#include "nn/fusion.h"

#include <ATen/cpu/Utils.h>

namespace voxconv::nn {

bool can_fuse(torch::Device device, torch::ScalarType type) {
  if (!device.is_cpu() || !at::hasMKLDNN()) return false;
  return type == torch::kFloat ||
         (type == torch::kBFloat16 && at::cpu::is_avx512_vnni_supported());  // VNNI: what all CPUs have that LibTorch takes bfloat16 on
}

torch::Tensor activate_(torch::Tensor y, Activation activation, double slope) {
  switch (activation) {
    case Activation::none: return y;
    case Activation::relu: return y.relu_();
    case Activation::leaky_relu: return torch::leaky_relu_(y, slope);
    case Activation::gelu: return torch::gelu(y);
    case Activation::tanh: return y.tanh_();
  }
  return y;
}

}  // namespace voxconv::nn
