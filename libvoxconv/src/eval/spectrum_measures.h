#pragma once
#include <array>

#include "features/frames.h"
#include "nn/torch.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {

/// Rate in Hz of the audio that measures of the full band are taken from.
constexpr int full_band_rate = 44100;
constexpr std::int64_t full_band_hop = full_band_rate / frame_rate;  ///< samples

/// Long-term power spectrum of 44.1 kHz audio [N]: the mean of the power spectra of Hann-windowed segments of 4096 samples, half of each in
/// the next, that are within 40 dB of the strongest -> [2049] double, summing to 1; bin k lies at k * 44100 / 4096 Hz. Undefined tensor for
/// silence.
torch::Tensor long_term_spectrum(const torch::Tensor& audio);

/// Energy of each of SoundFigures::band_edges' bands relative to the total, in dB; -120 at the least. Takes a long_term_spectrum().
decltype(SoundFigures::band_db) band_levels_db(const torch::Tensor& spectrum);

/// Energy above 16 kHz relative to the energy below, in dB; -120 at the least.
double above_16k_db(const torch::Tensor& spectrum);

/// Distance of two long-term spectra in dB: the root mean square, over the third-octave bands from 100 Hz to 20 kHz (IEC 61260, base ten),
/// of the difference of their levels relative to the total; levels below -80 dB count as -80 dB.
double spectrum_distance_db(const torch::Tensor& a, const torch::Tensor& b);

/// Level over time and frequency of 44.1 kHz audio [N]: Hann windows of 2048 samples, power averaged to 512 rows up to 22.05 kHz and to at
/// most 1000 columns. No title.
Spectrogram spectrogram(const torch::Tensor& audio);

}  // namespace voxconv::eval
