#include "features/pitch/pyin.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "features/frames.h"
#include "features/pitch/pitch_path.h"

namespace voxconv {
namespace {

// librosa shares out what cannot leave the range among the moves inside, so a path of unvoiced frames waits at an edge, twice as likely as
// elsewhere. The path here has no such edges; without this, noise and what lies below the range would be voiced.
constexpr double unvoiced_gain = 2;
constexpr double window_s = 0.04;  // two periods of 50 Hz
constexpr int threshold_count = 100;
constexpr double boltzmann = 2;
constexpr double no_trough_probability = 0.01;
constexpr int bins_per_octave = 120;
constexpr double switch_probability = 0.01;
constexpr double transition_rate = 35.92;  // octaves a second at most
constexpr double refine_s = 0.01;          // multiples of the period up to here sharpen the estimate

/// Probability of each threshold 0.01 .. 1 under Beta(2, 18).
std::array<double, threshold_count> threshold_prior() {
  const auto cdf = [](double x) { return 1 - std::pow(1 - x, 19) - 19 * x * std::pow(1 - x, 18); };
  std::array<double, threshold_count> prior;
  for (int i = 0; i < threshold_count; ++i) prior[i] = cdf(double(i + 1) / threshold_count) - cdf(double(i) / threshold_count);
  return prior;
}

/// YIN's cumulative mean normalised difference of the samples around a place, at lags 0 .. max_lag.
class Difference {
 public:
  Difference(std::span<const float> audio, int window, int max_lag)
      : window_(window), pad_((window + max_lag) / 2 + 2), values_(max_lag + 1) {
    padded_.assign(audio.size() + 2 * std::size_t(pad_) + 1, 0.0f);
    std::copy(audio.begin(), audio.end(), padded_.begin() + pad_);
    energy_.resize(padded_.size() + 1);
    for (std::size_t i = 0; i < padded_.size(); ++i) energy_[i + 1] = energy_[i] + double(padded_[i]) * padded_[i];
  }

  const std::vector<double>& at(std::size_t centre) {
    double sum = 0;
    values_[0] = 1;
    for (int lag = 1; lag < int(values_.size()); ++lag) {
      const std::size_t start = centre + pad_ - (window_ + lag) / 2;
      const float *a = &padded_[start], *b = a + lag;
      float product = 0;
      for (int j = 0; j < window_; ++j) product += a[j] * b[j];
      const double energy = energy_[start + window_] - energy_[start] + energy_[start + lag + window_] - energy_[start + lag];
      const double difference = std::max(0.0, energy - 2 * double(product));
      sum += difference;
      values_[lag] = sum > 0 ? difference * lag / sum : 1;
    }
    return values_;
  }

 private:
  int window_, pad_;
  std::vector<float> padded_;
  std::vector<double> energy_;  // of all samples before
  std::vector<double> values_;
};

/// The lag of the least value near `lag`, by a parabola.
double trough(const std::vector<double>& d, int lag) {
  if (lag < 1 || lag + 1 >= int(d.size())) return lag;
  const double a = d[lag - 1] + d[lag + 1] - 2 * d[lag], b = (d[lag + 1] - d[lag - 1]) / 2;
  return std::abs(b) < std::abs(a) ? lag - b / a : lag;
}

/// Sharpens a period on its 2nd, 4th, 8th ... multiple: an error of a lag counts less in a longer one.
double refine(const std::vector<double>& d, double period, double limit) {
  for (int multiple = 2; multiple * period < limit; multiple *= 2) {
    const int around = int(std::lround(multiple * period));
    if (around + 2 >= int(d.size())) break;
    int best = around;
    for (const int lag : {around - 1, around + 1})
      if (d[lag] < d[best]) best = lag;
    if (d[best] > d[best - 1] || d[best] > d[best + 1]) break;  // no trough here: the sound is not that steady
    period = trough(d, best) / multiple;
  }
  return period;
}

struct PitchCandidate {
  double hz, probability;
};

/// Troughs of one frame with their probabilities.
std::vector<PitchCandidate> candidates(const std::vector<double>& d, int min_lag, int max_lag, const PyinConfig& config) {
  static const std::array<double, threshold_count> prior = threshold_prior();
  std::vector<int> lags;
  for (int lag = min_lag; lag <= max_lag; ++lag)
    if (d[lag] < d[lag - 1] && d[lag] <= d[lag + 1]) lags.push_back(lag);
  if (lags.empty()) return {};
  const std::size_t deepest = std::min_element(lags.begin(), lags.end(), [&](int a, int b) { return d[a] < d[b]; }) - lags.begin();
  std::vector<double> probability(lags.size(), 0.0);
  for (int i = 0; i < threshold_count; ++i) {
    const double threshold = double(i + 1) / threshold_count;
    const auto below = std::count_if(lags.begin(), lags.end(), [&](int lag) { return d[lag] < threshold; });
    if (below == 0) {
      probability[deepest] += no_trough_probability * prior[i];
      continue;
    }
    double weight = prior[i] * (1 - std::exp(-boltzmann)) / (1 - std::exp(-boltzmann * double(below)));
    for (std::size_t k = 0; k < lags.size(); ++k) {
      if (d[lags[k]] >= threshold) continue;
      probability[k] += weight;
      weight *= std::exp(-boltzmann);
    }
  }
  std::vector<PitchCandidate> result;
  for (std::size_t k = 0; k < lags.size(); ++k)
    if (probability[k] > 0) result.push_back({config.rate / refine(d, trough(d, lags[k]), refine_s * config.rate), probability[k]});
  return result;
}

}  // namespace

PyinTrack pyin(std::span<const float> audio, const PyinConfig& config) {
  const int window = int(std::lround(window_s * config.rate));
  const int min_lag = std::max(2, int(config.rate / config.range.max_hz)), max_lag = int(std::ceil(config.rate / config.range.min_hz));
  const std::size_t frames = audio.size() / config.hop + 1;
  const int bins = int(bins_per_octave * std::log2(config.range.max_hz / config.range.min_hz)) + 1;
  const auto bin_of = [&](double hz) {
    return std::clamp(int(std::lround(bins_per_octave * std::log2(hz / config.range.min_hz))), 0, bins - 1);
  };

  Difference difference(audio, window, max_lag + 1);
  std::vector<std::vector<PitchCandidate>> found(frames);
  const int reach = int(std::lround(transition_rate * 12 * config.hop / config.rate)) * (bins_per_octave / 12) / 2;
  PitchPath path(bins, reach, switch_probability);
  PyinTrack track;
  std::vector<double> voiced(bins);
  for (std::size_t t = 0; t < frames; ++t) {
    found[t] = candidates(difference.at(t * config.hop), min_lag, max_lag, config);
    std::fill(voiced.begin(), voiced.end(), 0.0);
    double total = 0;
    for (const PitchCandidate& c : found[t]) {
      voiced[bin_of(c.hz)] += c.probability;
      total += c.probability;
    }
    total = std::min(total, 1.0);
    track.confidence.push_back(float(total));
    path.add(voiced, unvoiced_gain * (1 - total) / bins);
  }

  const std::vector<int> bin = path.best();
  for (std::size_t t = 0; t < frames; ++t) {
    double hz = 0;
    if (bin[t] >= 0) {
      hz = config.range.min_hz * std::exp2(double(bin[t]) / bins_per_octave);
      double most = 0;  // the bin says which trough; the trough itself is more exact
      for (const PitchCandidate& c : found[t])
        if (bin_of(c.hz) == bin[t] && c.probability > most) most = c.probability, hz = c.hz;
    }
    track.hz.push_back(float(hz));
  }
  return track;
}

F0Frames PyinEstimator::estimate(const torch::Tensor& audio) const {
  const torch::Tensor samples = audio.to(torch::kCPU, torch::kFloat).contiguous();
  PyinConfig config;
  config.rate = feature_rate;
  config.hop = feature_hop;
  config.range = range_;
  const PyinTrack track = pyin({samples.data_ptr<float>(), std::size_t(samples.size(0))}, config);
  return {torch::tensor(track.hz).to(audio.device()), torch::tensor(track.confidence).to(audio.device())};
}

}  // namespace voxconv
