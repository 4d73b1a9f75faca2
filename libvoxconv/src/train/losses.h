#pragma once
#include "nn/torch.h"

namespace voxconv::train {

/// Multi-resolution STFT loss (Yamamoto et al. 2020, Parallel WaveGAN): spectral convergence + L1 of log magnitude, each over `sizes` FFT
/// sizes (Hann, hop a quarter). prediction, target [B, N].
torch::Tensor stft_loss(const torch::Tensor& prediction, const torch::Tensor& target, const std::vector<std::int64_t>& sizes);

/// Least-squares GAN (Mao et al. 2017).
torch::Tensor discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake);
torch::Tensor generator_loss(const torch::Tensor& fake);

}  // namespace voxconv::train
