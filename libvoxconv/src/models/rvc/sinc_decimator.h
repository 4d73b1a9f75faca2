#pragma once
#include "nn/torch.h"

namespace voxconv::rvc {

/// The low-pass of torchaudio's resample() from `rate` samples to one with Applio's settings: a sinc of 64 zero crossings either side in a
/// Kaiser window (beta 14.7697, roll-off 0.9476). Float32 [2 * reach + rate].
torch::Tensor sinc_decimator(std::int64_t rate);

/// `rows` [reach + n * rate + reach, C] -> [n, C]: a sample of each `rate`, filtered with `kernel` [2 * reach + rate].
torch::Tensor decimate(const torch::Tensor& rows, const torch::Tensor& kernel, std::int64_t rate);

}  // namespace voxconv::rvc
