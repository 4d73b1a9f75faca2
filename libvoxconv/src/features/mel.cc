#include "features/mel.h"

#include <cmath>

#include "core/fail.h"

namespace voxconv {
namespace {

// Slaney's scale: linear below 1 kHz (200/3 Hz a mel), above it 27 mels for a factor of 6.4.
constexpr double slaney_linear = 200.0 / 3;
constexpr double slaney_knee_hz = 1000;
constexpr double slaney_knee_mel = slaney_knee_hz / slaney_linear;
const double slaney_step = std::log(6.4) / 27;

int window_length(const MelConfig& config) { return config.window > 0 ? config.window : config.n_fft; }

}  // namespace

double hz_to_mel(double hz, MelConfig::Scale scale) {
  if (scale == MelConfig::Scale::htk) return 2595 * std::log10(1 + hz / 700);
  return hz < slaney_knee_hz ? hz / slaney_linear : slaney_knee_mel + std::log(hz / slaney_knee_hz) / slaney_step;
}

double mel_to_hz(double mel, MelConfig::Scale scale) {
  if (scale == MelConfig::Scale::htk) return 700 * (std::pow(10, mel / 2595) - 1);
  return mel < slaney_knee_mel ? mel * slaney_linear : slaney_knee_hz * std::exp(slaney_step * (mel - slaney_knee_mel));
}

torch::Tensor mel_filters(const MelConfig& config) {
  const double f_max = config.f_max > 0 ? config.f_max : config.sample_rate / 2.0;
  if (config.bins < 1 || config.n_fft < 2 || config.f_min < 0 || config.f_min >= f_max)
    fail(ErrorCode::internal, "mel_filters: {} bins of {} points between {} and {} Hz make no sense.", config.bins, config.n_fft,
         config.f_min, f_max);
  const double low = hz_to_mel(config.f_min, config.scale), high = hz_to_mel(f_max, config.scale);
  std::vector<double> edges(config.bins + 2);
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i] = mel_to_hz(low + (high - low) * double(i) / (config.bins + 1), config.scale);
  const int points = config.n_fft / 2 + 1;
  torch::Tensor filters = torch::zeros({config.bins, points});
  auto out = filters.accessor<float, 2>();
  for (int bin = 0; bin < config.bins; ++bin) {
    const double left = edges[bin], centre = edges[bin + 1], right = edges[bin + 2];
    const double scale = config.norm == MelConfig::Norm::slaney ? 2 / (right - left) : 1;
    for (int k = 0; k < points; ++k) {
      const double hz = double(k) * config.sample_rate / config.n_fft;
      const double weight = std::min((hz - left) / (centre - left), (right - hz) / (right - centre));
      if (weight > 0) out[bin][k] = static_cast<float>(weight * scale);
    }
  }
  return filters;
}

MelSpectrogram::MelSpectrogram(const MelConfig& config, torch::Device device)
    : config_(config),
      window_(torch::hann_window(window_length(config), torch::kDouble).to(device, torch::kFloat)),
      filters_(mel_filters(config).to(device)) {}

torch::Tensor MelSpectrogram::operator()(const torch::Tensor& audio) const {
  const bool same = config_.padding == MelConfig::Padding::same;
  const std::int64_t pad = same ? (config_.n_fft - config_.hop) / 2 : config_.n_fft / 2;
  torch::Tensor signal = audio.dim() == 1 ? audio.unsqueeze(0) : audio;
  if (config_.padding == MelConfig::Padding::zero) {
    signal = torch::constant_pad_nd(signal, {pad, pad});
  } else {
    // The mirror needs more samples than it makes; the zeros it may see lie beyond the last frame's centre and are cut again.
    const std::int64_t short_by = std::max<std::int64_t>(0, pad + 1 - signal.size(1));
    signal = torch::reflection_pad1d(torch::constant_pad_nd(signal, {0, short_by}), {pad, pad});
    signal = signal.narrow(1, 0, signal.size(1) - short_by);
    if (signal.size(1) < config_.n_fft) signal = torch::constant_pad_nd(signal, {0, config_.n_fft - signal.size(1)});
  }
  const torch::Tensor spectrum = torch::stft(signal, config_.n_fft, config_.hop, window_length(config_), window_, /*normalized=*/false,
                                             /*onesided=*/true, /*return_complex=*/true);
  const torch::Tensor parts = torch::view_as_real(spectrum);
  torch::Tensor value = parts.square().sum(-1);
  if (config_.magnitude_eps > 0) value = value + config_.magnitude_eps;
  if (config_.power != 2) value = value.pow(config_.power / 2);
  torch::Tensor mel = torch::matmul(filters_, value);
  if (config_.log != MelConfig::Log::none) mel = mel.clamp_min(config_.floor);
  if (config_.log == MelConfig::Log::natural) mel = mel.log();
  if (config_.log == MelConfig::Log::log10) mel = mel.log10();
  return audio.dim() == 1 ? mel.squeeze(0) : mel;
}

MelConfig whisper_mel() {
  MelConfig config;
  config.sample_rate = 16000;
  config.n_fft = 400;
  config.hop = 160;
  config.bins = 80;
  config.log = MelConfig::Log::log10;
  return config;
}

torch::Tensor whisper_normalise(const torch::Tensor& mel) { return (torch::maximum(mel, mel.max() - 8) + 4) / 4; }

}  // namespace voxconv
