#pragma once
#include "nn/torch.h"

namespace voxconv::native {

/// Centre frequencies in Hz of the envelope's points [envelope_bins], evenly spaced on the slaney mel scale up to envelope_top_hz.
torch::Tensor envelope_centres();

/// Linear interpolation from envelope points to FFT bins: [envelope_bins, fft_bins]; constant beyond the ends.
torch::Tensor envelope_to_bins();

/// Spectral envelope of 44.1 kHz audio without the harmonics: f0-adaptive window, smoothing and liftering after CheapTrick (Morise 2015,
/// "CheapTrick, a spectral envelope estimator for high-quality speech synthesis"), then averaged to the envelope points.
/// audio [N], f0 [T] Hz at 100 frames a second (0 = unvoiced; frame t centred at sample t * hop) -> [T, envelope_bins]: half the natural
/// log of the power density, such that white noise of variance s^2 has the envelope ln(s).
torch::Tensor analyse_envelope(const torch::Tensor& audio, const torch::Tensor& f0);

/// Minimum-phase response of a log-magnitude spectrum [..., fft_bins] -> phase in radians [..., fft_bins], by the folded cepstrum.
torch::Tensor minimum_phase(const torch::Tensor& log_magnitude);

}  // namespace voxconv::native
