#include "features/loudness.h"

#include <cmath>

#include "features/frames.h"

namespace voxconv {
namespace {

constexpr std::int64_t window_size = 768;
constexpr double floor_level = 1e-5;

/// Gain of the A-weighting at `hz` (IEC 61672-1), 1 at 1 kHz.
double a_weight(double hz) {
  const double f2 = hz * hz;
  const auto response = [](double s) {
    return 12194.0 * 12194.0 * s * s / ((s + 20.6 * 20.6) * std::sqrt((s + 107.7 * 107.7) * (s + 737.9 * 737.9)) * (s + 12194.0 * 12194.0));
  };
  return response(f2) / response(1e6);
}

}  // namespace

torch::Tensor rms_loudness(const torch::Tensor& audio) {
  const torch::NoGradGuard guard;
  const std::int64_t frames = frame_count(audio.size(0));
  const torch::Tensor window = torch::hann_window(window_size, audio.options().dtype(torch::kFloat));
  const std::int64_t right = (frames - 1) * feature_hop + window_size / 2 - audio.size(0);
  const torch::Tensor power = torch::constant_pad_nd(audio.to(torch::kFloat).square(), {window_size / 2, std::max<std::int64_t>(right, 0)});
  const torch::Tensor mean = torch::mv(power.unfold(0, window_size, feature_hop).slice(0, 0, frames), window / window.sum());
  return (mean.sqrt() + floor_level).log();
}

torch::Tensor a_weighted_loudness(const torch::Tensor& audio) {
  const torch::NoGradGuard guard;
  if (audio.size(0) == 0) return rms_loudness(audio);
  const torch::Tensor spectrum = torch::fft_rfft(audio.to(torch::kFloat));
  torch::Tensor gains = torch::empty({spectrum.size(0)}, torch::kFloat);
  for (std::int64_t k = 0; k < gains.size(0); ++k)
    gains.data_ptr<float>()[k] = static_cast<float>(a_weight(double(k) * feature_rate / double(audio.size(0))));
  return rms_loudness(torch::fft_irfft(spectrum * gains.to(audio.device()), audio.size(0)));
}

}  // namespace voxconv
