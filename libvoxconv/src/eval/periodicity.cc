#include "eval/periodicity.h"

#include <algorithm>
#include <cmath>

#include "eval/spectrum_measures.h"
#include "features/frames.h"

namespace voxconv::eval {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr std::int64_t hop = full_band_rate / frame_rate;
constexpr std::int64_t fft_size = 4096;  // holds the longest window and the longest lag
constexpr std::int64_t steps = 4;        // lags a sample
constexpr double hnr_window = 0.06;      // seconds: 4.5 periods of 75 Hz, Praat's usual floor
constexpr double band_periods = 3;
constexpr double least_hz = 50, most_hz = 1500;
constexpr double lag_tolerance = 0.03;      // of the lag: half a semitone
constexpr double least_band_energy = 1e-9;  // relative to the frame: below, the band is empty and says nothing
constexpr std::int64_t least_frames = 10;
constexpr std::int64_t together = 256;               // frames
constexpr double edge_hz = 50;                       // of a band
constexpr std::int64_t margin = full_band_rate / 5;  // samples around the frames that are filtered together

/// Power spectra [F, fft_size / 2 + 1] of Hann windows of `width` samples [F, 1] around sample `centres` [F], the mean under each taken
/// out.
torch::Tensor windowed_power(const torch::Tensor& audio, const torch::Tensor& centres, const torch::Tensor& width) {
  const auto reach = std::int64_t(std::ceil(width.max().item<double>() / 2));
  const torch::Tensor offset = torch::arange(-reach, reach + 1);
  const torch::Tensor places = centres.unsqueeze(1) + offset;
  const torch::Tensor inside = (places >= 0) & (places < audio.size(0));
  const torch::Tensor samples = audio.index({places.clamp(0, audio.size(0) - 1)}).to(torch::kDouble) * inside;
  const torch::Tensor phase = offset.to(torch::kDouble).unsqueeze(0) / width;
  const torch::Tensor window = torch::where(phase.abs() < 0.5, 0.5 + 0.5 * torch::cos(2 * pi * phase), torch::zeros({}, torch::kDouble));
  const torch::Tensor mean = (samples * window).sum(1, true) / window.sum(1, true);
  return torch::fft_rfft((samples - mean) * window, fft_size).abs().square();
}

/// Autocorrelation of a Hann window of `width` at a lag, relative to lag 0 (Boersma 1993, equation 8).
torch::Tensor window_correlation(const torch::Tensor& lag, const torch::Tensor& width) {
  const torch::Tensor x = lag / width;
  return (1 - x) * (2.0 / 3 + torch::cos(2 * pi * x) / 3) + torch::sin(2 * pi * x) / (2 * pi);
}

/// The lag in samples [F, 1] between `low` and `high` [F, 1] at which the normalised autocorrelation is largest, and how large it is there.
/// `power` as windowed_power() gives it for windows of `width`.
std::pair<torch::Tensor, torch::Tensor> strongest_lag(const torch::Tensor& power, const torch::Tensor& width, const torch::Tensor& low,
                                                      const torch::Tensor& high) {
  // Zeros above half the sample rate: the autocorrelation between its samples.
  torch::Tensor wide = torch::constant_pad_nd(power, {0, (steps - 1) * fft_size / 2});
  wide.select(1, fft_size / 2) *= 0.5;
  const torch::Tensor correlation = torch::fft_irfft(wide, steps * fft_size);
  const torch::Tensor energy = correlation.slice(1, 0, 1).clamp_min(1e-30);
  const std::int64_t first = std::max<std::int64_t>(1, std::int64_t(std::floor(low.min().item<double>() * steps)));
  const auto last = std::int64_t(std::ceil(high.max().item<double>() * steps));
  const torch::Tensor lag = torch::arange(first - 1, last + 2, torch::kDouble).unsqueeze(0) / double(steps);
  const torch::Tensor r = correlation.slice(1, first - 1, last + 2) / energy / window_correlation(lag, width);
  // Half a step of slack: the range may lie between two lags.
  const torch::Tensor inner = lag.slice(1, 1, -1);
  const torch::Tensor allowed = (inner >= low - 0.5 / steps) & (inner <= high + 0.5 / steps);
  const torch::Tensor best = r.slice(1, 1, -1).masked_fill(~allowed, -2).argmax(1, true);
  // The top of a parabola through the largest value and its neighbours.
  const torch::Tensor before = r.gather(1, best), at = r.gather(1, best + 1), after = r.gather(1, best + 2);
  const torch::Tensor bend = before - 2 * at + after;
  const torch::Tensor shift = torch::where(bend < -1e-12, 0.5 * (before - after) / bend, torch::zeros_like(bend)).clamp(-0.5, 0.5);
  return {(best + first + shift) / double(steps), at - 0.25 * (before - after) * shift};
}

/// Normalised autocorrelation at one `lag` [F, 1] -> [F].
torch::Tensor correlation_at(const torch::Tensor& power, const torch::Tensor& width, const torch::Tensor& lag) {
  const torch::Tensor turn = torch::cos(torch::arange(power.size(1), torch::kDouble).unsqueeze(0) * lag * (2 * pi / fft_size));
  // Bins but the first and last stand for two.
  torch::Tensor weight = torch::full({power.size(1)}, 2.0, torch::kDouble);
  weight[0] = weight[-1] = 1;
  return torch::mv(power * turn, weight) / torch::mv(power, weight) / window_correlation(lag, width).squeeze(1);
}

/// What of a sound lies between two frequencies; the edges are raised cosines of 50 Hz.
torch::Tensor band_of(const torch::Tensor& audio, double low_hz, double high_hz) {
  const torch::Tensor spectrum = torch::fft_rfft(audio);
  const torch::Tensor hz = torch::arange(spectrum.size(0), torch::kDouble) * (double(full_band_rate) / double(audio.size(0)));
  const auto above = [&](double edge) {
    return (0.5 - 0.5 * torch::cos(pi * ((hz - edge) / edge_hz + 0.5).clamp(0, 1))).to(torch::kFloat);
  };
  return torch::fft_irfft(spectrum * (low_hz > 0 ? above(low_hz) - above(high_hz) : 1 - above(high_hz)), audio.size(0));
}

/// Mean of the finite values of [F]; undefined for too few.
double mean_defined(const torch::Tensor& values) {
  const torch::Tensor finite = values.masked_select(values.isfinite());
  return finite.numel() < least_frames ? undefined_figure : finite.mean().item<double>();
}

}  // namespace

Periodicity periodicity(const torch::Tensor& audio, std::span<const float> f0) {
  const torch::NoGradGuard guard;
  constexpr std::size_t bands = SoundFigures::periodicity_edges.size() - 1;
  std::vector<torch::Tensor> hnr, correlation[bands];
  const std::int64_t frames = std::min<std::int64_t>(std::ssize(f0), audio.size(0) / hop);
  for (std::int64_t begin = 0; begin < frames; begin += together) {
    std::vector<std::int64_t> centres;
    std::vector<double> lags;
    const std::int64_t start = std::max<std::int64_t>(0, begin * hop - margin);
    for (std::int64_t t = begin; t < std::min(frames, begin + together); ++t) {
      if (f0[std::size_t(t)] < least_hz || f0[std::size_t(t)] > most_hz) continue;
      centres.push_back(t * hop - start);
      lags.push_back(full_band_rate / double(f0[std::size_t(t)]));
    }
    if (centres.empty()) continue;
    const torch::Tensor part = audio.slice(0, start, std::min(audio.size(0), (begin + together) * hop + margin));
    const torch::Tensor at = torch::tensor(centres), lag = torch::tensor(lags, torch::kDouble).unsqueeze(1);
    const torch::Tensor low = lag * (1 - lag_tolerance), high = lag * (1 + lag_tolerance);

    const torch::Tensor long_window = torch::full_like(lag, hnr_window * full_band_rate);
    const torch::Tensor wide = windowed_power(part, at, long_window);
    const torch::Tensor r = strongest_lag(wide, long_window, low, high).second.squeeze(1);
    // Interpolation and the window's correction may take r above 1, as in Praat: counts as 1 / r.
    const torch::Tensor strength = torch::where(r > 1, 1 / r, r).clamp(1e-3, 1 - 1e-7);
    hnr.push_back((10 * torch::log10(strength / (1 - strength))).masked_fill(wide.sum(1) == 0, undefined_figure));

    const torch::Tensor short_window = lag * band_periods, narrow = windowed_power(part, at, short_window);
    const torch::Tensor exact = strongest_lag(narrow, short_window, low, high).first, energy = narrow.sum(1);
    for (std::size_t i = 0; i < bands; ++i) {
      const torch::Tensor filtered = band_of(part, SoundFigures::periodicity_edges[i], SoundFigures::periodicity_edges[i + 1]);
      const torch::Tensor power = windowed_power(filtered, at, short_window);
      correlation[i].push_back(
          correlation_at(power, short_window, exact).masked_fill(power.sum(1) <= energy * least_band_energy, undefined_figure));
    }
  }
  Periodicity result;
  if (hnr.empty()) return result;
  result.hnr_db = mean_defined(torch::cat(hnr));
  for (std::size_t i = 0; i < bands; ++i) result.bands[i] = mean_defined(torch::cat(correlation[i]));
  return result;
}

std::vector<float> strongest_period(const torch::Tensor& audio, std::span<const std::int64_t> frames) {
  const torch::NoGradGuard guard;
  std::vector<float> strengths;
  for (std::size_t from = 0; from < frames.size(); from += together) {
    const auto part = frames.subspan(from, std::min<std::size_t>(together, frames.size() - from));
    const torch::Tensor centres = torch::tensor(at::ArrayRef<std::int64_t>(part.data(), part.size())) * hop;
    const torch::Tensor one = torch::ones({std::int64_t(part.size()), 1}, torch::kDouble);
    const torch::Tensor width = one * hnr_window * full_band_rate;
    const torch::Tensor r =
        strongest_lag(windowed_power(audio, centres, width), width, one * (0.002 * full_band_rate), one * (0.02 * full_band_rate)).second;
    for (std::size_t i = 0; i < part.size(); ++i) strengths.push_back(r[std::int64_t(i)][0].item<float>());
  }
  return strengths;
}

}  // namespace voxconv::eval
