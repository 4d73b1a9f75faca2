#include "features/pitch/missed_notes.h"

#include <algorithm>

#include "core/log.h"
#include "features/frames.h"

namespace voxconv {
namespace {

constexpr std::int64_t examined_stride = 4;      // frames from one that is looked at to the next
constexpr std::int64_t examined_samples = 2048;  // samples around a frame
constexpr double least_rms = 0.01;               // of audio at the level of the analysis
constexpr double high_hz = 1000;                 // a tone: nearly all power at one frequency above this one
constexpr double high_share = 0.8;
constexpr std::int64_t peak_bins = 3;                                 // either side, of a Hann window's main lobe
constexpr double low_hz = 55, lowest_hz = 25, low_correlation = 0.9;  // a low note: like itself a period later, and at no shorter lag
constexpr double least_s = 0.3;

/// Pitch of each row [N, examined_samples] that is a clear high tone or low note, else 0.
std::vector<double> clear_pitch(const torch::Tensor& rows) {
  const torch::Tensor windowed = rows * torch::hann_window(examined_samples);
  const torch::Tensor power = torch::fft::rfft(windowed, 2 * examined_samples).abs().square();  // zero-padded: for the correlation, too
  const torch::Tensor total = power.sum(1) + 1e-12, peak = power.argmax(1);
  // The correlation of the windowed row over that of the window (Boersma 1993).
  const torch::Tensor window_power = torch::fft::rfft(torch::hann_window(examined_samples), 2 * examined_samples).abs().square();
  const torch::Tensor window_correlation = torch::fft::irfft(window_power, 2 * examined_samples);
  torch::Tensor correlation = torch::fft::irfft(power, 2 * examined_samples);
  correlation = correlation / (correlation.slice(1, 0, 1) + 1e-12) / (window_correlation / window_correlation[0]).clamp_min(0.1);
  const auto longest = std::int64_t(feature_rate / lowest_hz), shortest = std::int64_t(feature_rate / low_hz);
  const auto [low_peak, low_lag] = correlation.slice(1, shortest, longest + 1).max(1);
  // Lags below that of 800 Hz lie on the flank of the peak at lag 0 and say nothing.
  const torch::Tensor shorter_peak = std::get<0>(correlation.slice(1, feature_rate / 800, shortest).max(1));

  std::vector<double> result(std::size_t(rows.size(0)));
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const std::int64_t bin = peak[i].item<std::int64_t>(), reach = 2 * peak_bins;  // of a spectrum with zeros: twice as fine
    const double hz = double(bin) * feature_rate / double(2 * examined_samples);
    const double share =
        power[i].slice(0, std::max<std::int64_t>(0, bin - reach), bin + reach + 1).sum().item<double>() / total[i].item<double>();
    if (hz > high_hz && share > high_share)
      result[std::size_t(i)] = hz;
    else if (const double low = low_peak[i].item<double>(); low > low_correlation && shorter_peak[i].item<double>() < low_correlation * low)
      result[std::size_t(i)] = feature_rate / double(shortest + low_lag[i].item<std::int64_t>());
  }
  return result;
}

}  // namespace

void MissedNotes::add(const torch::Tensor& audio, const torch::Tensor& hz) {
  std::vector<torch::Tensor> rows;
  const auto frames = hz.accessor<float, 1>();
  for (std::int64_t t = 0; t < hz.size(0); t += examined_stride) {
    const std::int64_t begin = t * feature_hop - examined_samples / 2;
    if (frames[t] > 0 || begin < 0 || begin + examined_samples > audio.size(0)) continue;
    const torch::Tensor row = audio.slice(0, begin, begin + examined_samples);
    if (row.square().mean().sqrt().item<double>() > least_rms) rows.push_back(row);
  }
  if (rows.empty()) return;
  for (const double pitch : clear_pitch(torch::stack(rows))) {
    if (pitch <= 0) continue;
    lowest_hz_ = count_ ? std::min(lowest_hz_, pitch) : pitch;
    highest_hz_ = std::max(highest_hz_, pitch);
    ++count_;
  }
}

double MissedNotes::seconds() const { return double(count_ * examined_stride) / frame_rate; }

void MissedNotes::warn(const F0Range& range) const {
  if (seconds() < least_s) return;
  log_warning(
      "{:.1f} s of the source have a clear pitch, {:.0f} to {:.0f} Hz, that was not found in {:g} to {:g} Hz; they are taken for sounds "
      "without "
      "a pitch. The estimator pyin with another range finds them, or a pitch file tells it.",
      seconds(), lowest_hz_, highest_hz_, range.min_hz, range.max_hz);
}

}  // namespace voxconv
