#pragma once
#include "nn/torch.h"

namespace voxconv::train {

/// Spectral energy distance (Gritsenko et al. 2020, "A spectral energy distance for parallel speech synthesis"): of two renderings a, b
/// that differ in their noise only, d(a, x) + d(b, x) - d(a, b), where d is the L1 distance of STFT magnitudes relative to the target's
/// mean plus the mean over frames of the root mean square difference of log magnitudes, averaged over the FFT `sizes`. Least where the
/// renderings are distributed as the recordings are, so noise is not punished for being another draw, as a distance to one target does.
/// renderings: a, then b, [2 B, N]; target [B, N].
torch::Tensor spectral_energy_distance(const torch::Tensor& renderings, const torch::Tensor& target,
                                       const std::vector<std::int64_t>& sizes);

/// The same for how the levels of six bands (0.3 to 20 kHz, 3 ms windows) are distributed, and their changes over 3 and 9 ms: a distance of
/// single spectra cannot tell a sharp onset from a slow one that ends sharply where both lie within its window. In nepers, by
/// ranked_probability_score().
torch::Tensor band_level_distance(const torch::Tensor& renderings, const torch::Tensor& target);

/// Continuous ranked probability score of two draws a, b (Gneiting & Raftery 2007), by element: least where the draws are distributed as
/// the target is, where an L1 distance is least at the median, which is smoother than any real envelope.
torch::Tensor ranked_probability_score(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& target);

/// Least-squares GAN (Mao et al. 2017).
torch::Tensor discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake);
torch::Tensor generator_loss(const torch::Tensor& fake);

}  // namespace voxconv::train
