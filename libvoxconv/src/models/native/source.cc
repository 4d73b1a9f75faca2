#include "models/native/source.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/native/config.h"

namespace voxconv::native {
namespace {

using std::numbers::pi;
constexpr double top_hz = 0.49 * sample_rate;

/// Sum of cos(k * phase) for k = 1 .. harmonics; the fraction of a harmonic fades in, so that a gliding pitch does not click.
double harmonic_sum(double phase, double harmonics) {
  const double whole = std::floor(harmonics);
  const double last = (harmonics - whole) * std::cos((whole + 1) * phase);
  const double half_sine = std::sin(phase / 2);
  if (std::abs(half_sine) < 1e-6) return whole + last;
  return std::sin((whole + 0.5) * phase) / (2 * half_sine) - 0.5 + last;
}

}  // namespace

void PulseSource::render(float f0, float next_f0, std::span<float> pulses, std::span<float> phase) {
  const double begin_gain = f0 > 0, end_gain = next_f0 > 0;
  if (begin_gain + end_gain == 0) {
    std::fill(pulses.begin(), pulses.end(), 0.f);
    std::fill(phase.begin(), phase.end(), float(phase_));
    return;
  }
  const double begin = f0 > 0 ? f0 : next_f0, end = next_f0 > 0 ? next_f0 : f0;
  for (std::size_t i = 0; i < pulses.size(); ++i) {
    const double part = double(i) / double(pulses.size());
    const double hz = begin + (end - begin) * part;
    // Each harmonic carries 2 hz / sample_rate of the power, so the density is 1 whatever the pitch.
    const double amplitude = 2 * std::sqrt(hz / sample_rate) * (begin_gain + (end_gain - begin_gain) * part);
    pulses[i] = float(amplitude * harmonic_sum(phase_, top_hz / hz));
    phase[i] = float(phase_);
    phase_ += 2 * pi * hz / sample_rate;
    if (phase_ >= pi) phase_ -= 2 * pi;
  }
}

std::pair<torch::Tensor, torch::Tensor> render_pulses(const torch::Tensor& f0, const std::vector<double>& phases) {
  const torch::Tensor pitch = f0.contiguous();
  const std::int64_t frames = pitch.size(1);
  torch::Tensor pulses = torch::empty({pitch.size(0), frames * hop}), phase = torch::empty_like(pulses);
  for (std::int64_t b = 0; b < pitch.size(0); ++b) {
    PulseSource source(phases[std::size_t(b)]);
    const float* row = pitch.data_ptr<float>() + b * frames;
    for (std::int64_t t = 0; t < frames; ++t) {
      const std::int64_t place = (b * frames + t) * hop;
      source.render(row[t], row[std::min(t + 1, frames - 1)], {pulses.data_ptr<float>() + place, std::size_t(hop)},
                    {phase.data_ptr<float>() + place, std::size_t(hop)});
    }
  }
  return {pulses, phase};
}

}  // namespace voxconv::native
