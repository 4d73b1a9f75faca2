#include "models/native/vocoder.h"

#include "models/native/config.h"
#include "models/native/envelope.h"

namespace voxconv::native {
namespace {

namespace F = torch::nn::functional;

/// Linear interpolation from evenly spaced filter points to FFT bins: [points, fft_bins].
torch::Tensor interpolation_matrix(std::int64_t points) {
  const torch::Tensor position = torch::arange(fft_bins, torch::kFloat) * (double(points - 1) / double(fft_bins - 1));
  return (1 - (position.unsqueeze(0) - torch::arange(points, torch::kFloat).unsqueeze(1)).abs()).clamp_min(0);
}

/// Keeps a correction within e^±limit without a hard edge.
torch::Tensor bounded(const torch::Tensor& x, double limit) { return limit * torch::tanh(x / limit); }

/// Linear interpolation from the gain points of a frame, and the next one's first, to its samples: [gain_points + 1, hop].
torch::Tensor gain_to_samples() {
  constexpr std::int64_t points = VocoderImpl::gain_points;
  const torch::Tensor position = torch::arange(hop, torch::kFloat) * (double(points) / hop);
  return (1 - (position.unsqueeze(0) - torch::arange(points + 1, torch::kFloat).unsqueeze(1)).abs()).clamp_min(0);
}

/// Noise [B, T * hop] with its gain, interpolated between frames. The gain over the pitch period keeps the power only where it is one
/// small harmonic; the noise filter, trained with it, learns to compensate for what several add.
torch::Tensor modulate(const torch::Tensor& noise, const torch::Tensor& phase, const torch::Tensor& gain, const torch::Tensor& to_samples) {
  constexpr std::int64_t harmonics = VocoderImpl::period_harmonics;
  const torch::Tensor next = torch::cat({gain.slice(1, 1), gain.slice(1, -1)}, 1);
  const torch::Tensor part = torch::arange(hop, noise.options()) / double(hop);
  const torch::Tensor angle = phase.unflatten(1, {-1, hop});
  const auto coefficient = [&](std::int64_t i) {
    const torch::Tensor a = gain.select(-1, i).unsqueeze(-1), b = next.select(-1, i).unsqueeze(-1);
    return a + (b - a) * part;
  };
  const torch::Tensor points = torch::cat({gain.slice(2, 2 * harmonics), next.slice(2, 2 * harmonics, 2 * harmonics + 1)}, 2);
  torch::Tensor log_gain = torch::matmul(points, to_samples);
  for (std::int64_t k = 0; k < harmonics; ++k) {
    const torch::Tensor c = coefficient(k), s = coefficient(harmonics + k);
    // The mean of exp(2 a cos x) over a period is I0(2 a), which is close to exp(a^2) for small a.
    log_gain = log_gain + c * torch::cos(double(k + 1) * angle) + s * torch::sin(double(k + 1) * angle) - 0.5 * (c * c + s * s);
  }
  return noise * torch::exp(log_gain).flatten(1);
}

}  // namespace

VocoderImpl::VocoderImpl() {
  input_ = register_module("input", torch::nn::Conv1d(torch::nn::Conv1dOptions(envelope_bins + 2, channels, 5).padding(2)));
  blocks_ = register_module("blocks", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < blocks; ++i) blocks_->push_back(ConvNeXt(channels, 2));
  output_norm_ = register_module("output_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  output_ = register_module("output", torch::nn::Linear(channels, 3 * filter_points));
  noise_gain_ = register_module("noise_gain", torch::nn::Linear(channels, 2 * period_harmonics + gain_points));
  envelope_to_bins_ = envelope_to_bins();
  points_to_bins_ = interpolation_matrix(filter_points);
  gain_to_samples_ = gain_to_samples();
  window_ = torch::hann_window(window_size, torch::TensorOptions().dtype(torch::kFloat));
  torch::NoGradGuard no_grad;
  output_->weight.mul_(0.1);
  output_->bias.zero_();
  noise_gain_->weight.zero_();
  noise_gain_->bias.zero_();
}

VocoderImpl::Filters VocoderImpl::filters(const torch::Tensor& envelope, const torch::Tensor& f0) {
  const torch::Device device = envelope.device();
  const torch::Tensor voiced = (f0 > 0).to(torch::kFloat).unsqueeze(-1);
  const torch::Tensor pitch = torch::log2(f0.clamp_min(20).unsqueeze(-1) / 200) * voiced;
  torch::Tensor h = convolve_time(input_, torch::cat({envelope / 3 + 1.5, pitch, 1 - voiced}, -1));
  for (const auto& block : *blocks_) h = block->as<ConvNeXt>()->forward(h);
  h = output_norm_(h);
  const auto points = output_(h).to(torch::kFloat).chunk(3, -1);
  const torch::Tensor to_bins = points_to_bins_.to(device);
  const torch::Tensor base = torch::matmul(envelope, envelope_to_bins_.to(device));
  const torch::Tensor gain = noise_gain_(h).to(torch::kFloat);
  const torch::Tensor phase = minimum_phase(base) + torch::matmul(points[1], to_bins);
  // A voice is mostly pulses where it is voiced: the noise starts 2 nepers (17 dB) below there.
  // Limits in nepers, so that no frame can click; the levels of recorded breath change by 1.3 over 2 ms (standard deviation).
  return {
      torch::polar(torch::exp(base + bounded(torch::matmul(points[0], to_bins), 5)), phase),
      torch::exp(base + bounded(torch::matmul(points[2], to_bins), 5) - 2 * voiced),
      torch::cat({bounded(gain.slice(-1, 0, 2 * period_harmonics), 1.5) * voiced, bounded(gain.slice(-1, 2 * period_harmonics), 3)}, -1)};
}

torch::Tensor VocoderImpl::synthesize(const Filters& filters, const Excitation& excitation) {
  const torch::Tensor& pulses = excitation.pulses;
  const torch::Tensor noise =
      modulate(excitation.noise, excitation.phase, filters.noise_gain, gain_to_samples_.to(excitation.noise.device()));
  const std::int64_t batch = pulses.size(0), frames = pulses.size(1) / hop;
  const torch::Tensor window = window_.to(pulses.device());
  const std::int64_t before = window_size / 2;
  const auto spectrum = [&](const torch::Tensor& x) {
    const torch::Tensor padded = F::pad(x, F::PadFuncOptions({before, window_size - before}));
    const torch::Tensor segments = padded.unfold(1, window_size, hop).slice(1, 0, frames) * window;
    return torch::fft::rfft(F::pad(segments, F::PadFuncOptions({window_offset, fft_size - window_offset - window_size})), fft_size, -1);
  };
  const torch::Tensor filtered = torch::fft::irfft(spectrum(pulses) * filters.pulse + spectrum(noise) * filters.noise, fft_size, -1);
  const std::int64_t length = (frames - 1) * hop + fft_size;
  const torch::Tensor summed =
      F::fold(filtered.transpose(1, 2), F::FoldFuncOptions({1, length}, {1, fft_size}).stride({1, hop})).reshape({batch, length});
  const std::int64_t start = window_offset + before;
  return F::pad(summed, F::PadFuncOptions({0, std::max<std::int64_t>(0, start + frames * hop - length)}))
             .slice(1, start, start + frames * hop) /
         1.5;
}

}  // namespace voxconv::native
