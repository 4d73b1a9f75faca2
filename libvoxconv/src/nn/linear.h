#pragma once
#include "nn/torch.h"

namespace voxconv::nn {

/// x [..., in] times weight [out, in] plus bias [out], without gradient: torch::linear(), but through oneDNN on the CPU in fp32.
/// LibTorch's MKL uses half of the vector width of AMD processors; oneDNN is twice as quick there, and as quick as MKL elsewhere.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace voxconv::nn
