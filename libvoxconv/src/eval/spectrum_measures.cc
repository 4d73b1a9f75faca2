#include "eval/spectrum_measures.h"

#include <algorithm>
#include <cmath>

namespace voxconv::eval {
namespace {

constexpr std::int64_t segment = 4096;
constexpr double active_range_db = 40;
constexpr double least_band_db = -120, least_third_octave_db = -80;

constexpr std::int64_t picture_window = 2048, picture_rows = 512, most_columns = 1000;
constexpr double least_picture_power = 1e-20;

double decibels(double power, double least_db) { return power > 0 ? std::max(10 * std::log10(power), least_db) : least_db; }

/// Share of a spectrum's energy between two frequencies (low <= f < high).
double share(const torch::Tensor& spectrum, double low_hz, double high_hz) {
  const double bin_hz = double(full_band_rate) / segment;
  const auto low = std::int64_t(std::ceil(low_hz / bin_hz)), high = std::int64_t(std::ceil(high_hz / bin_hz));
  return spectrum.slice(0, low, std::min(high, spectrum.size(0))).sum().item<double>();
}

/// Power spectra of Hann-windowed segments that begin at `starts` [K] -> [K, window / 2 + 1]; zeros beyond the end.
torch::Tensor power_spectra(const torch::Tensor& audio, const torch::Tensor& starts, std::int64_t window) {
  const torch::Tensor places = starts.unsqueeze(1) + torch::arange(window);
  const torch::Tensor samples = audio.index({places.clamp_max(audio.size(0) - 1)}) * (places < audio.size(0));
  return torch::fft_rfft(samples * torch::hann_window(window)).abs().square();
}

}  // namespace

torch::Tensor long_term_spectrum(const torch::Tensor& audio) {
  const torch::NoGradGuard guard;
  constexpr std::int64_t together = 256;
  if (audio.size(0) == 0) return {};
  const torch::Tensor starts = torch::arange(0, std::max<std::int64_t>(1, audio.size(0) - segment + 1), segment / 2);
  const auto each = [&](const auto& visit) {
    for (const torch::Tensor& part : starts.split(together)) {
      const torch::Tensor power = power_spectra(audio, part, segment).to(torch::kDouble);
      visit(power, power.sum(1));
    }
  };
  double strongest = 0;
  each([&](const torch::Tensor&, const torch::Tensor& energy) { strongest = std::max(strongest, energy.max().item<double>()); });
  if (strongest == 0) return {};
  torch::Tensor sum = torch::zeros({segment / 2 + 1}, torch::kDouble);
  each([&](const torch::Tensor& power, const torch::Tensor& energy) {
    sum += (power * (energy >= strongest * std::pow(10, -active_range_db / 10)).unsqueeze(1)).sum(0);
  });
  return sum / sum.sum();
}

decltype(SoundFigures::band_db) band_levels_db(const torch::Tensor& spectrum) {
  decltype(SoundFigures::band_db) levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    // The last band holds the bin at half the sample rate, too.
    const double high = i + 1 == levels.size() ? full_band_rate : SoundFigures::band_edges[i + 1];
    levels[i] = decibels(share(spectrum, SoundFigures::band_edges[i], high), least_band_db);
  }
  return levels;
}

double above_16k_db(const torch::Tensor& spectrum) {
  const double above = share(spectrum, 16000, full_band_rate);
  return decibels(above / (1 - above), least_band_db);
}

double spectrum_distance_db(const torch::Tensor& a, const torch::Tensor& b) {
  constexpr int first = 20, last = 43;  // bands are 10^(n / 10) Hz: 100 Hz to 20 kHz
  double sum = 0;
  for (int n = first; n <= last; ++n) {
    const double low = std::pow(10, (n - 0.5) / 10), high = std::pow(10, (n + 0.5) / 10);
    const double difference = decibels(share(a, low, high), least_third_octave_db) - decibels(share(b, low, high), least_third_octave_db);
    sum += difference * difference;
  }
  return std::sqrt(sum / (last - first + 1));
}

Spectrogram spectrogram(const torch::Tensor& audio) {
  const torch::NoGradGuard guard;
  Spectrogram picture;
  picture.seconds = double(audio.size(0)) / full_band_rate;
  picture.top_hz = full_band_rate / 2.0;
  picture.rows = picture_rows;
  const std::int64_t columns = std::min(most_columns, audio.size(0) / (picture_window / 8));
  if (columns == 0) return picture;
  picture.columns = std::size_t(columns);
  // Windows within a column, at most half a window apart.
  const double column_samples = double(audio.size(0)) / double(columns);
  const auto within = std::int64_t(std::ceil(column_samples / (picture_window / 2)));
  const torch::Tensor window_power = torch::hann_window(picture_window, torch::kDouble).sum().square() / 4;
  torch::Tensor levels = torch::empty({columns, picture_rows});
  const std::int64_t together = std::max<std::int64_t>(1, 256 / within);
  for (std::int64_t column = 0; column < columns; column += together) {
    const std::int64_t end = std::min(columns, column + together);
    const torch::Tensor centre = (torch::arange(column * within, end * within, torch::kDouble) + 0.5) * (column_samples / double(within));
    const torch::Tensor starts = (centre - picture_window / 2).floor().clamp_min(0).to(torch::kLong);
    const torch::Tensor power = power_spectra(audio, starts, picture_window).slice(1, 0, picture_window / 2);
    const torch::Tensor pooled = power.view({end - column, within, picture_rows, -1}).mean(torch::IntArrayRef{1, 3});
    levels.slice(0, column, end) = 10 * (pooled / window_power + least_picture_power).log10();
  }
  const torch::Tensor rows = levels.t().contiguous();
  picture.db.assign(rows.const_data_ptr<float>(), rows.const_data_ptr<float>() + rows.numel());
  return picture;
}

}  // namespace voxconv::eval
