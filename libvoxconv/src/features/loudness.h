#pragma once
#include "nn/torch.h"

namespace voxconv {

/// Loudness curves are natural logarithms of amplitudes (nepers): 20 / ln(10).
inline constexpr double db_per_neper = 8.685889638065035;

/// Short-term level of 16 kHz audio [N]: ln(RMS + 1e-5) over a 768-sample Hann-weighted window centred on each of the frame_count(N) frames
/// (zeros beyond the ends) -> [T].
torch::Tensor rms_loudness(const torch::Tensor& audio);

/// The same of the A-weighted signal (IEC 61672-1, applied in the frequency domain) -> [T].
torch::Tensor a_weighted_loudness(const torch::Tensor& audio);

}  // namespace voxconv
