#include "eval/periodicity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "eval/spectrum_measures.h"
#include "features/frames.h"

namespace voxconv::eval {
namespace {

using std::numbers::pi;
constexpr std::int64_t fft_size = 4096;  // holds the longest window and the longest lag
constexpr std::int64_t steps = 4;        // lags a sample
constexpr double long_window = 0.06;     // seconds: 4.5 periods of 75 Hz, Praat's usual floor
constexpr double least_hz = 50, most_hz = 1500;
constexpr double lag_tolerance = 0.03;      // of the lag: half a semitone
constexpr double least_band_energy = 1e-9;  // relative to the frame: below, the band is empty and says nothing
constexpr std::int64_t least_pitched_frames = 10;
constexpr std::int64_t together = 256;               // frames
constexpr double edge_hz = 50;                       // of a band
constexpr std::int64_t margin = full_band_rate / 5;  // samples around the frames that are filtered together

/// Spectra [F, fft_size / 2 + 1] of Hann windows of `width` samples [F, 1] around sample `centres` [F], the mean under each taken out; the
/// centre is their time 0.
torch::Tensor windowed_spectrum(const torch::Tensor& audio, const torch::Tensor& centres, const torch::Tensor& width) {
  const auto reach = std::int64_t(std::ceil(width.max().item<double>() / 2));
  const torch::Tensor offset = torch::arange(-reach, reach + 1);
  const torch::Tensor places = centres.unsqueeze(1) + offset;
  const torch::Tensor inside = (places >= 0) & (places < audio.size(0));
  const torch::Tensor samples = audio.index({places.clamp(0, audio.size(0) - 1)}).to(torch::kDouble) * inside;
  const torch::Tensor phase = offset.to(torch::kDouble).unsqueeze(0) / width;
  const torch::Tensor window = torch::where(phase.abs() < 0.5, 0.5 + 0.5 * torch::cos(2 * pi * phase), torch::zeros({}, torch::kDouble));
  const torch::Tensor mean = (samples * window).sum(1, true) / window.sum(1, true);
  return torch::fft_rfft((samples - mean) * window, fft_size);
}

/// Correlation at lags of 1 / steps samples [F, steps * fft_size], the negative ones at the end, of two sounds with the spectra a and b.
torch::Tensor fine_correlation(const torch::Tensor& a, const torch::Tensor& b) {
  // Zeros above half the sample rate: the correlation between its samples.
  torch::Tensor wide = torch::constant_pad_nd(a.conj() * b, {0, (steps - 1) * fft_size / 2});
  wide.select(1, fft_size / 2) *= 0.5;
  return torch::fft_irfft(wide, steps * fft_size) * double(steps);
}

/// Energy [F, 1] of windowed sounds, in the units of fine_correlation().
torch::Tensor energy_of(const torch::Tensor& spectrum) { return fine_correlation(spectrum, spectrum).slice(1, 0, 1); }

/// The largest of r [F, L] among those allowed [F, L], all but the first and last: its place in steps [F, 1] and its value [F, 1], by the
/// parabola through it and its neighbours.
std::pair<torch::Tensor, torch::Tensor> largest(const torch::Tensor& r, const torch::Tensor& allowed) {
  const torch::Tensor best = r.masked_fill(~allowed, -2).slice(1, 1, -1).argmax(1, true) + 1;
  const torch::Tensor before = r.gather(1, best - 1), at = r.gather(1, best), after = r.gather(1, best + 1);
  const torch::Tensor bend = before - 2 * at + after;
  const torch::Tensor shift = torch::where(bend < -1e-12, 0.5 * (before - after) / bend, torch::zeros_like(bend)).clamp(-0.5, 0.5);
  return {best + shift, at - 0.25 * (before - after) * shift};
}

/// Autocorrelation of a Hann window of `width` at a lag, relative to lag 0 (Boersma 1993, equation 8).
torch::Tensor window_correlation(const torch::Tensor& lag, const torch::Tensor& width) {
  const torch::Tensor x = lag / width;
  return (1 - x) * (2.0 / 3 + torch::cos(2 * pi * x) / 3) + torch::sin(2 * pi * x) / (2 * pi);
}

/// The largest normalised autocorrelation [F] at lags between `low` and `high` samples [F, 1] in Hann windows of 60 ms (Boersma 1993).
torch::Tensor strongest_autocorrelation(const torch::Tensor& audio, const torch::Tensor& centres, const torch::Tensor& low,
                                        const torch::Tensor& high) {
  const torch::Tensor width = torch::full_like(low, long_window * full_band_rate);
  const torch::Tensor spectrum = windowed_spectrum(audio, centres, width), correlation = fine_correlation(spectrum, spectrum);
  const torch::Tensor energy = correlation.slice(1, 0, 1).clamp_min(1e-30);
  const auto last = std::int64_t(std::ceil(high.max().item<double>() * steps)) + 2;
  const torch::Tensor lag = torch::arange(last, torch::kDouble).unsqueeze(0) / double(steps);
  const torch::Tensor r = correlation.slice(1, 0, last) / energy / window_correlation(lag, width);
  // Half a step of slack: the range may lie between two lags.
  return largest(r, (lag >= low - 0.5 / steps) & (lag <= high + 0.5 / steps)).second.squeeze(1);
}

/// Two Hann windows of two periods, a period apart, around each of `centres` [F]: three periods together.
struct Periods {
  torch::Tensor first, second;  ///< their spectra
  torch::Tensor apart;          ///< [F, 1] samples between their centres

  Periods(const torch::Tensor& audio, const torch::Tensor& centres, const torch::Tensor& lag) {
    const torch::Tensor half = (lag / 2).squeeze(1), from = (centres - half).round().to(torch::kLong),
                        to = (centres + half).round().to(torch::kLong);
    first = windowed_spectrum(audio, from, 2 * lag);
    second = windowed_spectrum(audio, to, 2 * lag);
    apart = (to - from).to(torch::kDouble).unsqueeze(1);
  }
};

/// The lag in samples [F, 1] within `tolerance` [F, 1] of `lag` at which two neighbouring periods are most alike.
torch::Tensor exact_lag(const Periods& periods, const torch::Tensor& lag, const torch::Tensor& tolerance) {
  const torch::Tensor correlation = fine_correlation(periods.first, periods.second);
  const auto reach = std::int64_t(std::ceil(tolerance.max().item<double>() * steps)) + 2 * steps;
  const torch::Tensor r = torch::cat({correlation.slice(1, -reach), correlation.slice(1, 0, reach + 1)}, 1);
  const torch::Tensor at = torch::arange(-reach, reach + 1, torch::kDouble).unsqueeze(0) / double(steps) + periods.apart;
  const torch::Tensor allowed = (at - lag).abs() <= tolerance + 0.5 / steps;
  return (largest(r, allowed).first - double(reach)) / double(steps) + periods.apart;
}

/// Normalised correlation [F] of neighbouring periods at a lag [F, 1].
torch::Tensor correlation_at(const Periods& periods, const torch::Tensor& lag) {
  const torch::Tensor turn = torch::arange(fft_size / 2 + 1, torch::kDouble).unsqueeze(0) * (lag - periods.apart) * (2 * pi / fft_size);
  // Bins but the first and last stand for two.
  torch::Tensor weight = torch::full({fft_size / 2 + 1}, 2.0, torch::kDouble);
  weight[0] = weight[-1] = 1;
  const auto energy = [&](const torch::Tensor& spectrum) { return torch::mv(spectrum.abs().square(), weight); };
  const torch::Tensor both = torch::real(periods.first.conj() * periods.second * torch::polar(torch::ones_like(turn), turn));
  return torch::mv(both, weight) / (energy(periods.first) * energy(periods.second)).sqrt();
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
  return finite.numel() < least_pitched_frames ? undefined_figure : finite.mean().item<double>();
}

}  // namespace

Periodicity periodicity(const torch::Tensor& audio, std::span<const float> f0) {
  const torch::NoGradGuard guard;
  constexpr std::size_t bands = SoundFigures::periodicity_edges.size() - 1;
  std::vector<torch::Tensor> hnr, correlation[bands];
  const std::int64_t frames = std::min<std::int64_t>(std::ssize(f0), audio.size(0) / full_band_hop);
  for (std::int64_t begin = 0; begin < frames; begin += together) {
    std::vector<std::int64_t> centres;
    std::vector<double> lags;
    const std::int64_t start = std::max<std::int64_t>(0, begin * full_band_hop - margin);
    for (std::int64_t t = begin; t < std::min(frames, begin + together); ++t) {
      if (f0[std::size_t(t)] < least_hz || f0[std::size_t(t)] > most_hz) continue;
      centres.push_back(t * full_band_hop - start);
      lags.push_back(full_band_rate / double(f0[std::size_t(t)]));
    }
    if (centres.empty()) continue;
    const torch::Tensor part = audio.slice(0, start, std::min(audio.size(0), (begin + together) * full_band_hop + margin));
    const torch::Tensor at = torch::tensor(centres), lag = torch::tensor(lags, torch::kDouble).unsqueeze(1);
    const torch::Tensor tolerance = lag * lag_tolerance;
    const torch::Tensor r = strongest_autocorrelation(part, at, lag - tolerance, lag + tolerance);
    // Interpolation and the window's correction may take r above 1, as in Praat: counts as 1 / r.
    const torch::Tensor strength = torch::where(r > 1, 1 / r, r).clamp(1e-3, 1 - 1e-7);
    const Periods whole(part, at, lag);
    const torch::Tensor exact = exact_lag(whole, lag, tolerance), energy = energy_of(whole.first).squeeze(1);
    hnr.push_back((10 * torch::log10(strength / (1 - strength))).masked_fill(energy == 0, undefined_figure));
    for (std::size_t i = 0; i < bands; ++i) {
      const Periods band(band_of(part, SoundFigures::periodicity_edges[i], SoundFigures::periodicity_edges[i + 1]), at, lag);
      const torch::Tensor empty = energy_of(band.first).squeeze(1) <= energy * least_band_energy;
      correlation[i].push_back(correlation_at(band, exact).masked_fill(empty, undefined_figure));
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
    const torch::Tensor centres = torch::tensor(at::ArrayRef<std::int64_t>(part.data(), part.size())) * full_band_hop;
    const torch::Tensor one = torch::ones({std::int64_t(part.size()), 1}, torch::kDouble);
    const torch::Tensor r = strongest_autocorrelation(audio, centres, one * (0.002 * full_band_rate), one * (0.02 * full_band_rate));
    for (std::size_t i = 0; i < part.size(); ++i) strengths.push_back(r[std::int64_t(i)].item<float>());
  }
  return strengths;
}

}  // namespace voxconv::eval
