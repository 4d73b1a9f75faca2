#include "models/native/envelope.h"

#include <cmath>
#include <numbers>

#include "features/mel.h"
#include "models/native/config.h"

namespace voxconv::native {
namespace {

namespace F = torch::nn::functional;

using std::numbers::pi;
constexpr double floor_power = 1e-10;

// CheapTrick's window must fit the FFT frame: three periods, so 65 Hz and up.
constexpr double lowest_f0 = 71, highest_f0 = 1000;
// Unvoiced frames have no period; this stands for a 14 ms window, a compromise between noise of the estimate and time resolution.
constexpr double unvoiced_f0 = 220;

/// Area-normalised triangles between the neighbouring centres: [fft_bins, envelope_bins]. Narrow ones take at least the nearest two bins.
torch::Tensor averaging_matrix() {
  const torch::Tensor centres = envelope_centres().to(torch::kDouble);
  const torch::Tensor bins = torch::arange(fft_bins, torch::kDouble) * (double(sample_rate) / fft_size);
  const double bin_hz = double(sample_rate) / fft_size;
  const torch::Tensor below = torch::cat({torch::zeros(1, torch::kDouble), centres.slice(0, 0, -1)});
  const torch::Tensor above = torch::cat({centres.slice(0, 1), torch::full(1, double(sample_rate) / 2, torch::kDouble)});
  const torch::Tensor left = (centres - below).clamp_min(bin_hz), right = (above - centres).clamp_min(bin_hz);
  const torch::Tensor offset = bins.unsqueeze(1) - centres.unsqueeze(0);
  const torch::Tensor weight = torch::where(offset < 0, 1 + offset / left, 1 - offset / right).clamp_min(0);
  return (weight / weight.sum(0, true)).to(torch::kFloat);
}

/// Moving average over `width` bins (fractional, [T, 1]) of spectra [T, fft_bins], mirrored at both ends.
torch::Tensor smooth(const torch::Tensor& spectrum, const torch::Tensor& width) {
  const std::int64_t pad = 64;
  const torch::Tensor mirrored = F::pad(spectrum.unsqueeze(1), F::PadFuncOptions({pad, pad}).mode(torch::kReflect)).squeeze(1);
  // Integral of the piecewise-constant spectrum; bin k covers [k - 1/2, k + 1/2].
  const torch::Tensor integral = F::pad(mirrored.to(torch::kDouble).cumsum(1), F::PadFuncOptions({1, 0}));
  const auto integral_at = [&](const torch::Tensor& position) {
    const torch::Tensor whole = position.floor();
    const torch::Tensor index = whole.to(torch::kLong).clamp(0, integral.size(1) - 2);
    const torch::Tensor low = integral.gather(1, index), high = integral.gather(1, index + 1);
    return low + (high - low) * (position - whole);
  };
  const torch::Tensor centre = torch::arange(fft_bins, torch::kDouble).unsqueeze(0) + pad + 0.5;
  const torch::Tensor half = width.to(torch::kDouble) / 2;
  return ((integral_at(centre + half) - integral_at(centre - half)) / width).to(torch::kFloat);
}

}  // namespace

torch::Tensor envelope_centres() {
  constexpr auto scale = MelConfig::Scale::slaney;
  const double top = hz_to_mel(envelope_top_hz, scale);
  std::vector<float> centres;
  for (std::int64_t i = 0; i < envelope_bins; ++i) centres.push_back(float(mel_to_hz(top * double(i + 1) / envelope_bins, scale)));
  return torch::tensor(centres);
}

torch::Tensor envelope_to_bins() {
  const torch::Tensor centres = envelope_centres();
  const float* c = centres.data_ptr<float>();
  torch::Tensor matrix = torch::zeros({envelope_bins, fft_bins});
  auto m = matrix.accessor<float, 2>();
  std::int64_t upper = 0;
  for (std::int64_t bin = 0; bin < fft_bins; ++bin) {
    const double hz = double(bin) * sample_rate / fft_size;
    while (upper < envelope_bins && c[upper] < hz) ++upper;
    if (upper == 0) {
      m[0][bin] = 1;
    } else if (upper == envelope_bins) {
      m[envelope_bins - 1][bin] = 1;
    } else {
      const double part = (hz - c[upper - 1]) / (c[upper] - c[upper - 1]);
      m[upper - 1][bin] = float(1 - part);
      m[upper][bin] = float(part);
    }
  }
  return matrix;
}

torch::Tensor analyse_envelope(const torch::Tensor& audio, const torch::Tensor& f0) {
  torch::NoGradGuard no_grad;
  static const torch::Tensor average = averaging_matrix();
  const std::int64_t frames = f0.size(0);
  const torch::Tensor pitch = torch::where(f0 > 0, f0.clamp(lowest_f0, highest_f0), torch::full_like(f0, unvoiced_f0)).unsqueeze(1);

  const std::int64_t half = fft_size / 2;
  const std::int64_t right = std::max<std::int64_t>(0, (frames - 1) * hop + half - audio.size(0));
  const torch::Tensor padded = F::pad(audio, F::PadFuncOptions({half, right}));
  const torch::Tensor segments = padded.unfold(0, fft_size, hop).slice(0, 0, frames);
  const torch::Tensor offset = (torch::arange(fft_size, torch::kFloat) - double(half)).unsqueeze(0);
  const torch::Tensor reach = 1.5 * sample_rate / pitch;
  const torch::Tensor window = torch::where(offset.abs() < reach, 0.5 + 0.5 * torch::cos(pi * offset / reach), torch::zeros({}));
  const torch::Tensor power = torch::fft::rfft(segments * window, fft_size).abs().square() / window.square().sum(1, true) + floor_power;

  const torch::Tensor bin_hz = torch::full({}, double(sample_rate) / fft_size);
  const torch::Tensor smoothed = smooth(power, pitch * (2.0 / 3) / bin_hz).clamp_min(floor_power);

  // Spectral recovery in the cepstrum: average over exactly one harmonic spacing, undoing what that blurs (q0, q1 of the paper).
  const torch::Tensor quefrency = (torch::arange(fft_bins, torch::kFloat) / double(sample_rate)).unsqueeze(0) * pitch;
  const torch::Tensor lifter = torch::sinc(quefrency) * (1.18 - 2 * 0.09 * torch::cos(2 * pi * quefrency));
  const torch::Tensor cepstrum = torch::fft::irfft(smoothed.log(), fft_size, 1);
  const torch::Tensor mirrored = torch::cat({lifter, lifter.slice(1, 1, fft_bins - 1).flip(1)}, 1);
  const torch::Tensor recovered = torch::real(torch::fft::rfft(cepstrum * mirrored, fft_size, 1));
  return 0.5 * torch::matmul(recovered.clamp(-25, 10).exp(), average).clamp_min(floor_power).log();
}

torch::Tensor minimum_phase(const torch::Tensor& log_magnitude) {
  torch::Tensor cepstrum = torch::fft::irfft(log_magnitude, fft_size, -1);
  static const torch::Tensor fold = [] {
    torch::Tensor f = torch::zeros(fft_size);
    f.slice(0, 1, fft_size / 2).fill_(2);
    f[0] = 1;
    f[fft_size / 2] = 1;
    return f;
  }();
  return torch::imag(torch::fft::rfft(cepstrum * fold.to(log_magnitude.device()), fft_size, -1));
}

}  // namespace voxconv::native
