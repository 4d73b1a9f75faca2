#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/torch.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {

struct Periodicity {
  decltype(SoundFigures::periodicity) bands = undefined_figures<SoundFigures{}.periodicity.size()>();
  double hnr_db = undefined_figure;
};

/// How periodic 44.1 kHz audio [N] is where it is voiced; f0 in Hz at 100 frames a second, 0 = not voiced. Means over the voiced frames;
/// undefined for fewer than 10 of them.
///
/// `bands`: normalised correlation, of what SoundFigures::periodicity_edges' bands hold, of two Hann windows of two periods, a pitch lag
/// apart (the lag within 3 % of 1 / f0 at which the full band correlates best). 1 for a periodic signal; a periodic signal of power p in
/// noise of power q has p / (p + q).
/// `hnr_db`: 10 log10(r / (1 - r)) where r is the normalised autocorrelation at the pitch lag in a Hann window of 60 ms (P. Boersma,
/// "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound", 1993).
Periodicity periodicity(const torch::Tensor& audio, std::span<const float> f0);

/// The largest normalised autocorrelation at lags of 2 to 20 ms around each of `frames` (100 a second) of 44.1 kHz audio, in a Hann window
/// of 60 ms: near 1 for a tone, low for noise. 0 for silence.
std::vector<float> strongest_period(const torch::Tensor& audio, std::span<const std::int64_t> frames);

}  // namespace voxconv::eval
