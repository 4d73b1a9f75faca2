#include "convert/reverb.h"

#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace voxconv {
namespace {

constexpr double hop_s = 0.01, least_frame_s = 0.016;
constexpr std::size_t most_moments = 20 * 60 * 100;
constexpr std::size_t measured_frames = 100;
constexpr std::ptrdiff_t smoothed_moments = 5;
constexpr double least_band_power = 1e-12;

// A fall: lines over these many moments, at least that steep and straight, that end above the background.
constexpr std::array fall_moments{14, 20, 28, 40, 56, 80};
constexpr double least_fall_db = 10, most_deviation = 0.08, most_deviation_db = 2, above_background_db = 8;
constexpr double background_share = 0.03, least_background_db = -90;

// Decays are counted in sixteenths of an octave from 0.15 s on.
constexpr double shortest_s = 0.15, steps_per_octave = 16;
constexpr std::size_t decay_steps = 80;
constexpr std::ptrdiff_t decay_spread = 4;            // steps to either side that count for one, by a normal curve
constexpr double decay_deviation = 2;                 // of that, in steps
constexpr double band_reach = 0.7, same_decay = 0.4;  // octaves

// Levels that are tried.
constexpr double lowest_level_db = -33, level_step_db = 3;
constexpr std::size_t level_count = 14;
constexpr std::size_t late_moments = 2;  // Reverb::late_from_s
constexpr double contradiction_db = 3, most_contradicted = 0.03;

// What a room is.
constexpr std::size_t least_falls = 150;
constexpr double least_decay_s = 0.3, least_level_db = -17;
constexpr double channel_slack = 1e-3;  // between channels that differ by rounding

constexpr std::size_t bands = Reverb::band_hz.size();

double db(double power) { return 10 * std::log10(power + least_band_power); }

struct Fall {
  double decay_s;
  std::size_t begin, count;
  double fall_db;
};

/// A band's power over time, and where it falls in straight lines.
struct BandLevels {
  std::vector<double> power, level_db;
  double background_db = 0;
  std::vector<Fall> falls;
};

void find_falls(BandLevels& band) {
  const std::vector<double>& level = band.level_db;
  for (const int length : fall_moments) {
    const auto count = std::size_t(length);
    const double middle = (length - 1) / 2.0, spread = length * (double(length) * length - 1) / 12;
    for (std::size_t begin = 0; begin + count <= level.size(); ++begin) {
      if (level[begin + count - 1] < band.background_db + above_background_db ||
          level[begin + count - 1] > level[begin] - least_fall_db / 2)
        continue;
      double sum = 0, moment = 0, squares = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double x = level[begin + i];
        sum += x;
        moment += (double(i) - middle) * x;
        squares += x * x;
      }
      const double slope = moment / spread, mean = sum / length, fall = -slope * length;
      if (fall < least_fall_db) continue;
      const double deviation = std::sqrt(std::max(0.0, squares / length - mean * mean - slope * slope * spread / length));
      if (deviation > most_deviation_db || deviation > most_deviation * fall) continue;
      band.falls.push_back({-60 * hop_s / slope, begin, count, fall});
    }
  }
}

BandLevels band_levels(std::vector<double> power) {
  BandLevels band;
  band.power.resize(power.size());
  band.level_db.resize(power.size());
  const std::ptrdiff_t reach = smoothed_moments / 2, size = std::ssize(power);
  for (std::ptrdiff_t t = 0; t < size; ++t) {
    double sum = 0;
    for (std::ptrdiff_t k = std::max<std::ptrdiff_t>(0, t - reach); k <= std::min(size - 1, t + reach); ++k) sum += power[std::size_t(k)];
    band.power[std::size_t(t)] = sum / smoothed_moments + least_band_power;
    band.level_db[std::size_t(t)] = db(sum / smoothed_moments);
  }
  if (power.empty()) return band;
  std::vector<double> sorted = band.level_db;
  const auto quiet = sorted.begin() + std::ptrdiff_t(background_share * double(sorted.size()));
  std::nth_element(sorted.begin(), quiet, sorted.end());
  band.background_db = std::max(least_background_db, *quiet);
  find_falls(band);
  return band;
}

/// Weights of decays, by their logarithm.
class DecayHistogram {
 public:
  void add(double decay_s, double weight) {
    const double step = std::round(std::log2(decay_s / shortest_s) * steps_per_octave);
    if (step >= 0 && step < double(decay_steps)) counts_[std::size_t(step)] += weight;
  }
  double commonest() const {
    double best = -1;
    std::ptrdiff_t at = 0;
    for (std::ptrdiff_t k = 0; k < std::ptrdiff_t(decay_steps); ++k) {
      double near = 0;
      for (std::ptrdiff_t d = -decay_spread; d <= decay_spread; ++d)
        if (k + d >= 0 && k + d < std::ptrdiff_t(decay_steps))
          near += counts_[std::size_t(k + d)] * std::exp(-0.5 * std::pow(double(d) / decay_deviation, 2));
      if (near > best) {
        best = near;
        at = k;
      }
    }
    return shortest_s * std::exp2(double(at) / steps_per_octave);
  }

 private:
  std::array<double, decay_steps> counts_{};
};

double octaves_apart(double a, double b) { return std::abs(std::log2(a / b)); }

/// The level in dB of a reverberation that decays so. `used`: whether a moment lies in the second half of one of its falls.
double level_of(const BandLevels& band, double decay_s, const std::vector<bool>& used) {
  const double kept = std::pow(10, -6 * hop_s / decay_s);
  std::array<double, level_count> feed, late{};
  for (std::size_t k = 0; k < level_count; ++k)
    feed[k] = std::pow(10, (lowest_level_db + level_step_db * double(k)) / 10) * (1 - kept) / kept;
  std::array<std::array<double, level_count>, late_moments> direct{};
  std::array<std::vector<float>, level_count> differences;
  std::array<std::size_t, level_count> audible{}, contradicted{};
  for (std::size_t t = 0; t < band.power.size(); ++t) {
    auto& oldest = direct[t % late_moments];
    for (std::size_t k = 0; k < level_count; ++k) {
      late[k] = kept * (late[k] + feed[k] * oldest[k]);
      oldest[k] = std::max(0.0, band.power[t] - late[k]);
      const double late_db = db(late[k]);
      if (used[t]) differences[k].push_back(float(band.level_db[t] - late_db));
      if (late_db < band.background_db + above_background_db) continue;
      ++audible[k];
      if (band.level_db[t] < late_db - contradiction_db) ++contradicted[k];
    }
  }
  // The falls themselves: where half of their moments are above what the level predicts.
  double falls_db = lowest_level_db + level_step_db * double(level_count - 1);
  double before = 0;
  for (std::size_t k = 0; k < level_count; ++k) {
    auto& values = differences[k];
    std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
    const double median = values[values.size() / 2];
    if (median <= 0) {
      falls_db = lowest_level_db + level_step_db * (double(k) - (k > 0 ? -median / (before - median) : 0));
      break;
    }
    before = median;
  }
  // Dips: the last level before too many are deeper than it allows.
  double dips_db = lowest_level_db + level_step_db * double(level_count - 1);
  for (std::size_t k = 0; k < level_count; ++k)
    if (double(contradicted[k]) > most_contradicted * double(std::max<std::size_t>(1, audible[k]))) {
      dips_db = lowest_level_db + level_step_db * std::max(0.0, double(k) - 1);
      break;
    }
  return std::min(falls_db, dips_db);
}

double middle_of(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

}  // namespace

double Reverb::decay_s() const { return middle_of(bands[1].decay_s, bands[2].decay_s, bands[3].decay_s); }

double Reverb::level_db() const { return db(middle_of(bands[1].level, bands[2].level, bands[3].level)); }

Reverb::Band Reverb::at(double hz) const {
  const double place = std::clamp(std::log2(std::max(hz, 1.0) / band_hz[0]), 0.0, double(bands.size() - 1));
  const std::size_t below = std::min(std::size_t(place), bands.size() - 2);
  const double part = place - double(below);
  const auto between = [&](double a, double b) { return std::pow(a, 1 - part) * std::pow(b, part); };
  return {between(bands[below].decay_s, bands[below + 1].decay_s), between(bands[below].level, bands[below + 1].level)};
}

ReverbEstimator::ReverbEstimator(int rate, std::size_t channels)
    : rate_(rate),
      channels_(channels),
      hop_(std::size_t(std::max(1.0, std::round(hop_s * rate)))),
      frame_(std::bit_ceil(std::size_t(std::max(8.0, least_frame_s * rate)))),
      filters_(channels, KWeighting(rate)),
      waiting_(channels, std::vector<float>(frame_ / 2)),
      weighted_(waiting_) {
  for (std::size_t i = 0; i < frame_; ++i)
    window_.push_back(float((0.5 - 0.5 * std::cos(2 * M_PI * double(i) / double(frame_))) / (double(frame_) * std::sqrt(0.375))));
  const auto bin_of = [&](double hz) { return std::min(frame_ / 2 + 1, std::size_t(std::ceil(hz * double(frame_) / rate))); };
  for (const double centre : Reverb::band_hz) first_bin_.push_back(bin_of(centre / M_SQRT2));
  first_bin_.push_back(bin_of(2 * Reverb::band_hz.back()));
}

void ReverbEstimator::push(const AudioBuffer& audio) {
  if (moments_.size() >= most_moments) return;
  for (std::size_t c = 0; c < channels_; ++c) {
    waiting_[c].insert(waiting_[c].end(), audio.channels[c].begin(), audio.channels[c].end());
    for (const float x : audio.channels[c]) weighted_[c].push_back(float(filters_[c](x)));
  }
  measure_frames();
}

/// Frames in batches of one size, so that nothing depends on the pieces.
void ReverbEstimator::measure_frames() {
  const torch::NoGradGuard guard;
  const std::size_t needed = (measured_frames - 1) * hop_ + frame_;
  std::size_t begin = 0;
  for (; waiting_[0].size() >= begin + needed && moments_.size() < most_moments; begin += measured_frames * hop_) {
    std::vector<Moment> batch(measured_frames);
    for (std::size_t c = 0; c < channels_; ++c) {
      const torch::Tensor samples = torch::from_blob(waiting_[c].data() + begin, {std::int64_t(needed)});
      const torch::Tensor power = torch::view_as_real(torch::fft::rfft(samples.unfold(0, std::int64_t(frame_), std::int64_t(hop_)) *
                                                                       torch::from_blob(window_.data(), {std::int64_t(frame_)})))
                                      .square()
                                      .sum(2)
                                      .contiguous();
      const float* values = power.const_data_ptr<float>();
      for (Moment& moment : batch) {
        for (std::size_t b = 0; b < bands; ++b)
          moment.power[b] += std::accumulate(values + first_bin_[b], values + first_bin_[b + 1], 0.0F);
        values += frame_ / 2 + 1;
      }
    }
    for (std::size_t t = 0; t < measured_frames; ++t) {
      const std::size_t from = begin + t * hop_ + frame_ / 2 - std::min(hop_, frame_) / 2;
      for (std::size_t i = from; i < from + std::min(hop_, frame_); ++i) {
        const float x = weighted_[0][i], y = weighted_[channels_ - 1][i];
        batch[t].left += x * x;
        batch[t].right += y * y;
        batch[t].both += x * y;
      }
    }
    moments_.insert(moments_.end(), batch.begin(), batch.end());
  }
  for (auto* kept : {&waiting_, &weighted_})
    for (auto& channel : *kept) channel.erase(channel.begin(), channel.begin() + std::ptrdiff_t(begin));
}

std::optional<Reverb> ReverbEstimator::estimate() const {
  std::vector<BandLevels> measured;
  DecayHistogram all;
  std::size_t falls = 0;
  for (std::size_t b = 0; b < bands; ++b) {
    std::vector<double> power;
    for (const Moment& moment : moments_) power.push_back(moment.power[b]);
    measured.push_back(band_levels(std::move(power)));
    if (b == 0 || b + 1 == bands) continue;  // few falls are straight there
    for (const Fall& fall : measured[b].falls) all.add(fall.decay_s, (fall.fall_db - 8) * double(fall.count) * double(fall.count));
    falls += measured[b].falls.size();
  }
  if (falls < least_falls) return std::nullopt;
  const double usual = all.commonest();
  Reverb reverb;
  std::vector<double> levels;
  std::vector<bool> late(moments_.size());
  std::array<bool, bands> heard{};
  for (std::size_t b = 0; b < bands; ++b) {
    DecayHistogram counts;
    bool any = false;
    for (const Fall& fall : measured[b].falls)
      if (octaves_apart(fall.decay_s, usual) < band_reach) {
        counts.add(fall.decay_s, std::pow(fall.fall_db - 8, 2) * double(fall.count));
        any = true;
      }
    reverb.bands[b].decay_s = any ? counts.commonest() : usual;
    std::vector<bool> used(moments_.size());
    for (const Fall& fall : measured[b].falls)
      if (octaves_apart(fall.decay_s, reverb.bands[b].decay_s) < same_decay)
        for (std::size_t i = fall.count / 2; i < fall.count; ++i) late[fall.begin + i] = used[fall.begin + i] = heard[b] = true;
    if (!heard[b]) continue;
    const double level = level_of(measured[b], reverb.bands[b].decay_s, used);
    reverb.bands[b].level = std::pow(10, level / 10);
    if (b > 0 && b + 1 < bands) levels.push_back(level);
  }
  if (levels.empty()) return std::nullopt;
  std::ranges::sort(levels);
  const double usual_level = (levels[(levels.size() - 1) / 2] + levels[levels.size() / 2]) / 2;
  for (std::size_t b = 0; b < bands; ++b)
    if (!heard[b]) reverb.bands[b].level = std::pow(10, usual_level / 10);
  if (reverb.decay_s() < least_decay_s || reverb.level_db() < least_level_db) return std::nullopt;
  if (channels_ == 1) {
    reverb.left = 1;
    return reverb;
  }
  double left = 0, right = 0, both = 0;
  for (std::size_t t = 0; t < moments_.size(); ++t)
    if (late[t]) {
      left += moments_[t].left;
      right += moments_[t].right;
      both += moments_[t].both;
    }
  if (left + right > 0) {
    reverb.left = left / (left + right);
    reverb.correlation = std::clamp(both / (std::sqrt(left * right) + least_band_power), -1.0, 1.0);
    if (reverb.correlation > 1 - channel_slack) reverb.correlation = 1;
  }
  return reverb;
}

}  // namespace voxconv
