#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Mean of the last `length` values, preceded by ones. Exactly 1 where all of them are.
class MovingMean {
 public:
  explicit MovingMean(std::size_t length) : deficits_(length) {}
  double next(double value);

 private:
  std::vector<double> deficits_;  ///< 1 - value
  std::size_t at_ = 0, not_zero_ = 0;
  double sum_ = 0;
};

/// Keeps the true peak of a stream below a ceiling (4x oversampling as in ITU-R BS.1770-4 annex 2, with a longer filter and the maximum
/// between the points interpolated). One gain for all channels, which falls smoothly within 5 ms ahead of a peak and then returns within
/// about 150 ms. What stays below the ceiling passes bit by bit. The output has the length of the input and no delay against it: push()
/// lags behind by latency() frames, finish() gives the rest. NaN and infinity become 0. The result does not depend on the cut into pushes.
class TruePeakLimiter {
 public:
  TruePeakLimiter(int channels, int rate, double ceiling_dbtp = -1.0);

  AudioBuffer push(const AudioBuffer& audio);  ///< throws Error(usage) if rate or channels differ from the constructor's
  AudioBuffer finish();                        ///< the last frames; the limiter then starts anew, but for largest_reduction_db()

  int latency() const { return look_ahead_ + filter_reach + 1; }
  /// The most the gain was lowered so far, in dB >= 0.
  double largest_reduction_db() const;

 private:
  static constexpr int oversampling = 4;
  static constexpr int filter_reach = 24;  ///< samples to each side
  using Taps = std::array<float, std::size_t(2 * filter_reach)>;

  /// The oversampled magnitudes of one channel, to find maxima between the points.
  struct Track {
    std::vector<float> samples;  ///< from index first_ on
    double before = 0, last = 0;
    std::int64_t loud = -1'000'000;  ///< last sample big enough to matter for a peak
  };

  void start();
  void advance(std::int64_t end, AudioBuffer& out);
  double needed_gain(std::int64_t gap);
  double track_point(Track& track, double magnitude);
  double smooth(double gain);

  const int channels_, rate_, look_ahead_;
  const double ceiling_, release_;
  std::array<Taps, std::size_t(oversampling - 1)> taps_{};
  double loud_level_ = 0;

  std::vector<Track> tracks_;
  std::int64_t first_ = 0, frames_ = 0, gap_ = 0;
  double open_gap_ = 0, closed_gap_ = 0;                    ///< peak in the gap under way, and in the one before
  std::deque<std::pair<std::int64_t, double>> candidates_;  ///< for the least gain needed within the look-ahead, rising
  MovingMean first_mean_, second_mean_;
  double released_ = 1, lowest_gain_ = 1;
};

}  // namespace voxconv
