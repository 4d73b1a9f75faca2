#include "convert/loudness_follower.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "features/loudness.h"

namespace voxconv {
namespace {

constexpr double largest_db = 12;                    // more than that is a fault of the model, not of its level
constexpr double frames_of_smoothing = 5;            // 50 ms
constexpr double silent_db = -80, audible_db = -70;  // full-scale levels between which the gate opens
constexpr double gated_db = -60;                     // below it a source says nothing about how loud the voice should be

}  // namespace

LoudnessFollower::LoudnessFollower(double amount, int hop) : amount_(amount), hop_(hop), window_(std::size_t(hop) * 48 / 10) {
  double sum = 0;
  for (std::size_t i = 0; i < window_.size(); ++i)
    sum += window_[i] = float(0.5 - 0.5 * std::cos(2 * std::numbers::pi * (double(i) + 0.5) / double(window_.size())));
  for (float& w : window_) w /= float(sum);
}

std::vector<float> LoudnessFollower::push(std::span<const float> source, std::span<const float> audio) {
  source_.insert(source_.end(), source.begin(), source.end());
  audio_.insert(audio_.end(), audio.begin(), audio.end());
  end_ += std::int64_t(audio.size());
  return emit(false);
}

std::vector<float> LoudnessFollower::finish() { return emit(true); }

double LoudnessFollower::level(std::int64_t frame) const {
  const std::int64_t first = frame * hop_ - std::int64_t(window_.size()) / 2;
  double power = 0;
  for (std::size_t i = 0; i < window_.size(); ++i) {
    const std::int64_t n = first + std::int64_t(i);
    if (n >= start_ && n < end_) power += window_[i] * double(audio_[std::size_t(n - start_)]) * audio_[std::size_t(n - start_)];
  }
  return db_per_neper * std::log(std::sqrt(power) + 1e-5);
}

double LoudnessFollower::gain_of(std::int64_t frame) {
  const double source_db = source_.empty() ? silent_db : source_.front() * db_per_neper;
  if (!source_.empty()) source_.pop_front();
  const double difference = source_db > gated_db ? std::clamp(source_db - level(frame), -largest_db, largest_db) : correction_db_;
  correction_db_ += (difference - correction_db_) / frames_of_smoothing;
  const double gate = std::clamp((source_db - silent_db) / (audible_db - silent_db), 0.0, 1.0);
  return gate * std::pow(10, amount_ * correction_db_ / 20);
}

std::vector<float> LoudnessFollower::emit(bool last) {
  std::vector<float> out;
  const std::int64_t reach = std::int64_t(window_.size()) / 2 + 1;
  // The samples between frame next_ - 1 and frame next_ get their gain once both have one.
  while (next_ == 0 ? (last || (end_ >= reach && !source_.empty()))
                    : (next_ - 1) * hop_ < end_ && (last || (next_ * hop_ + reach <= end_ && !source_.empty()))) {
    const double gain = gain_of(next_);
    if (next_ > 0) {
      const std::int64_t from = (next_ - 1) * hop_, to = std::min(next_ * hop_, end_);
      for (std::int64_t n = from; n < to; ++n)
        out.push_back(audio_[std::size_t(n - start_)] * float(last_gain_ + (gain - last_gain_) * double(n - from) / hop_));
    }
    last_gain_ = gain;
    ++next_;
    if (last && end_ == 0) break;
  }
  const std::int64_t keep = std::clamp<std::int64_t>((next_ - 1) * hop_ - reach, start_, end_);
  audio_.erase(audio_.begin(), audio_.begin() + std::ptrdiff_t(keep - start_));
  start_ = keep;
  return out;
}

}  // namespace voxconv
