#include "audio/limiter.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr double look_ahead_seconds = 0.005, release_seconds = 0.05;

/// Zeroth-order modified Bessel function by its series.
double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-12 * sum; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

double windowed_sinc(double t, double reach) {
  constexpr double beta = 7;
  if (std::abs(t) >= reach) return 0;
  const double u = t / reach, window = bessel_i0(beta * std::sqrt(1 - u * u)) / bessel_i0(beta);
  return t == 0 ? window : window * std::sin(std::numbers::pi * t) / (std::numbers::pi * t);
}

/// The maximum of the parabola through three magnitudes at even distances, of which the middle one is the largest.
double parabola_top(double before, double middle, double after) {
  const double bend = before - 2 * middle + after, slope = after - before;
  return bend < 0 ? middle - slope * slope / (8 * bend) : middle;
}

}  // namespace

double MovingMean::next(double value) {
  double& slot = deficits_[at_];
  at_ = (at_ + 1) % deficits_.size();
  not_zero_ -= slot != 0;
  sum_ -= slot;
  slot = 1 - value;
  not_zero_ += slot != 0;
  sum_ += slot;
  if (not_zero_ == 0) sum_ = 0;  // leaves no rounding behind
  return not_zero_ == 0 ? 1 : 1 - sum_ / double(deficits_.size());
}

TruePeakLimiter::TruePeakLimiter(int channels, int rate, double ceiling_dbtp)
    : channels_(channels),
      rate_(rate),
      look_ahead_(std::max(2 * filter_reach, int(std::lround(rate * look_ahead_seconds)))),
      ceiling_(std::pow(10.0, ceiling_dbtp / 20)),
      release_(1 - std::exp(-1 / (release_seconds * rate))),
      first_mean_(1),
      second_mean_(1) {
  if (channels < 1 || rate < 1) fail(ErrorCode::usage, "Cannot limit {} channels at {} Hz.", channels, rate);
  double widest = 1;
  for (std::size_t k = 0; k < taps_.size(); ++k) {
    const double shift = double(k + 1) / oversampling;
    double sum = 0, magnitude = 0;
    for (int t = 1 - filter_reach; t <= filter_reach; ++t) sum += windowed_sinc(shift - t, filter_reach);
    for (int t = 1 - filter_reach; t <= filter_reach; ++t) {
      const double tap = windowed_sinc(shift - t, filter_reach) / sum;
      taps_[k][std::size_t(t + filter_reach - 1)] = float(tap);
      magnitude += std::abs(tap);
    }
    widest = std::max(widest, magnitude);
  }
  // Below this no sum of samples reaches the ceiling; a tenth is kept for what lies between the points.
  loud_level_ = 0.9 * ceiling_ / widest;
  start();
}

void TruePeakLimiter::start() {
  // Silence before the beginning, as far as the filter reaches; its first gap is the one just before the first sample.
  first_ = -filter_reach;
  gap_ = -1;
  frames_ = 0;
  tracks_.assign(std::size_t(channels_), Track{std::vector<float>(filter_reach)});
  open_gap_ = closed_gap_ = 0;
  candidates_.clear();
  // The two means together reach over look_ahead_ + 1 values: when the peak comes, they cover nothing but its own gain or less.
  first_mean_ = MovingMean(std::size_t(look_ahead_ / 2 + 1));
  second_mean_ = MovingMean(std::size_t(look_ahead_ - look_ahead_ / 2 + 1));
  released_ = 1;
}

AudioBuffer TruePeakLimiter::push(const AudioBuffer& audio) {
  if (audio.rate != rate_ || audio.channel_count() != std::size_t(channels_))
    fail(ErrorCode::usage, "The limiter was made for {} channels at {} Hz and got {} channels at {} Hz.", channels_, rate_,
         audio.channel_count(), audio.rate);
  AudioBuffer out(rate_, std::size_t(channels_));
  for (std::size_t c = 0; c < tracks_.size(); ++c)
    for (const float x : audio.channels[c]) tracks_[c].samples.push_back(clean_sample(x));
  frames_ += std::int64_t(audio.frames());
  advance(frames_, out);
  return out;
}

AudioBuffer TruePeakLimiter::finish() {
  AudioBuffer out(rate_, std::size_t(channels_));
  for (Track& track : tracks_) track.samples.resize(track.samples.size() + std::size_t(latency()));
  advance(frames_ + latency(), out);
  start();
  return out;
}

/// Works through all gaps whose filter window ends before sample `end`.
void TruePeakLimiter::advance(std::int64_t end, AudioBuffer& out) {
  for (; gap_ + filter_reach < end; ++gap_) {
    const std::int64_t known = gap_ - 1, frame = known - look_ahead_;
    const double needed = needed_gain(gap_);
    while (!candidates_.empty() && candidates_.back().second >= needed) candidates_.pop_back();
    candidates_.emplace_back(known, needed);
    if (candidates_.front().first < frame) candidates_.pop_front();
    const double gain = smooth(candidates_.front().second);
    if (frame < 0 || frame >= frames_) continue;
    lowest_gain_ = std::min(lowest_gain_, gain);
    for (std::size_t c = 0; c < tracks_.size(); ++c) {
      const float x = tracks_[c].samples[std::size_t(frame - first_)];
      out.channels[c].push_back(gain == 1 ? x : float(x * gain));
    }
  }
  // The filter's window begins after the frame that comes out next, since the look-ahead is the longer.
  const std::int64_t keep = gap_ - 1 - look_ahead_;
  if (keep <= first_) return;
  for (Track& track : tracks_) track.samples.erase(track.samples.begin(), track.samples.begin() + std::ptrdiff_t(keep - first_));
  first_ = keep;
}

/// Looks at the points from sample `gap` up to the next one; with the first of them the gap before is complete, and so is the gain that the
/// sample before needs.
double TruePeakLimiter::needed_gain(std::int64_t gap) {
  double opened = 0;
  for (Track& track : tracks_) {
    const float* window = track.samples.data() + (gap - filter_reach + 1 - first_);
    if (std::abs(window[2 * filter_reach - 1]) >= loud_level_) track.loud = gap + filter_reach;
    if (track.loud <= gap - filter_reach) {
      open_gap_ = std::max(open_gap_, track_point(track, 0));
      track.before = track.last = 0;
      continue;
    }
    open_gap_ = std::max(open_gap_, track_point(track, std::abs(window[filter_reach - 1])));
    for (const Taps& taps : taps_) {
      std::array<float, 4> sums{};
      for (std::size_t t = 0; t < taps.size(); t += sums.size())
        for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += taps[t + lane] * window[t + lane];
      opened = std::max(opened, track_point(track, std::abs(double(sums[0]) + sums[1] + sums[2] + sums[3])));
    }
  }
  const double peak = std::max(closed_gap_, open_gap_);
  closed_gap_ = open_gap_;
  open_gap_ = opened;
  return peak > ceiling_ ? ceiling_ / peak : 1;
}

/// Takes one oversampled magnitude; gives the peak around the one before it.
double TruePeakLimiter::track_point(Track& track, double magnitude) {
  const bool top = track.last >= track.before && track.last >= magnitude;
  const double peak = top ? parabola_top(track.before, track.last, magnitude) : track.last;
  track.before = track.last;
  track.last = magnitude;
  return peak;
}

double TruePeakLimiter::smooth(double gain) {
  released_ += (1 - released_) * release_;
  if (released_ > 1 - 1e-5) released_ = 1;
  released_ = std::min(released_, gain);
  return second_mean_.next(first_mean_.next(released_));
}

double TruePeakLimiter::largest_reduction_db() const { return lowest_gain_ < 1 ? -20 * std::log10(lowest_gain_) : 0; }

}  // namespace voxconv
