#include "convert/music_shift.h"

#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "audio/samples.h"

namespace voxconv {
namespace {

constexpr double frame_s = 0.08;
constexpr double point_step_hz = 200, point_step = 0.08;  // from one point of the envelope to the next: the larger of this and this share
constexpr double half_width_hz = 500,
                 half_width = 0.15;  // of the mean around a point, alike: wider than the harmonics of most notes lie apart
constexpr double untouched_hz = 200, matched_hz = 500;
constexpr double largest_gain = 1.38;  // nepers: 12 dB
constexpr double floor = 1e-6;         // of the frame's mean power: what is fainter is no envelope to follow

std::int64_t shifted_frame(int rate) { return std::int64_t(std::bit_ceil(std::size_t(std::max(64.0, frame_s * rate * 0.75)))); }

std::vector<double> envelope_points(double top_hz) {
  std::vector<double> points;
  for (double hz = 0; hz < top_hz; hz += std::max(point_step_hz, point_step * hz)) points.push_back(hz);
  points.push_back(top_hz);
  return points;
}

}  // namespace

MusicShift::MusicShift(int channels, int rate, double semitones)
    : shift_(channels, rate, semitones),
      filter_(rate, 2 * std::size_t(channels), std::size_t(channels), std::size_t(shifted_frame(rate)),
              [this](const torch::Tensor& spectra) { return matched(spectra); }),
      original_(rate, std::size_t(channels)) {
  const std::int64_t bins = shifted_frame(rate) / 2 + 1;
  const std::vector<double> points = envelope_points(rate / 2.0);
  const torch::Tensor hz = torch::arange(bins, torch::kDouble) * (double(rate) / double(shifted_frame(rate)));
  std::vector<torch::Tensor> means, gains;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const torch::Tensor distance = (hz - points[i]).abs();
    const torch::Tensor mean = torch::cos((distance / std::max(half_width_hz, half_width * points[i])).clamp_max(1) * M_PI) + 1;
    means.push_back(mean / mean.sum());
    // 1 at the point, 0 at its neighbours and beyond.
    const double before = i > 0 ? points[i] - points[i - 1] : 1, after = i + 1 < points.size() ? points[i + 1] - points[i] : 1;
    gains.push_back((1 - torch::where(hz < points[i], (points[i] - hz) / before, (hz - points[i]) / after)).clamp_min(0));
  }
  to_points_ = torch::stack(means, 1).to(torch::kFloat);
  const torch::Tensor share = ((hz - untouched_hz) / (matched_hz - untouched_hz)).clamp(0, 1);
  to_bins_ = (torch::stack(gains) * share).to(torch::kFloat);
}

torch::Tensor MusicShift::matched(const torch::Tensor& spectra) const {
  const auto parts = spectra.chunk(2);
  const auto envelope = [&](const torch::Tensor& part) {  // [frames, points]
    const torch::Tensor power = torch::view_as_real(part).square().sum({0, 3});
    return torch::matmul(power, to_points_) + floor * power.mean(1, true) + 1e-12;
  };
  const torch::Tensor gain = (0.5 * (envelope(parts[0]) / envelope(parts[1])).log()).clamp(-largest_gain, largest_gain);
  return parts[1] * torch::matmul(gain, to_bins_).exp();
}

AudioBuffer MusicShift::match(const AudioBuffer& shifted) {
  AudioBuffer both = take_first(original_, shifted.frames());
  both.channels.insert(both.channels.end(), shifted.channels.begin(), shifted.channels.end());
  return filter_.push(both);
}

AudioBuffer MusicShift::push(const AudioBuffer& audio) {
  append(original_, audio);
  return match(shift_.push(audio));
}

AudioBuffer MusicShift::finish() {
  AudioBuffer rest = match(shift_.finish());
  append(rest, filter_.finish());
  return rest;
}

}  // namespace voxconv
