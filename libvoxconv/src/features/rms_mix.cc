#include "features/rms_mix.h"

#include <algorithm>
#include <cmath>

namespace voxconv {
namespace {

constexpr double floor_rms = 1e-6;  // of the result

double gain(double source, double result, double rate) {
  return std::pow(source, 1 - rate) * std::pow(std::max(result, floor_rms), rate - 1);
}

/// librosa.feature.rms(frame_length=rate // 2 * 2, hop_length=rate // 2), zeros beyond the ends.
template <typename Sample>
std::vector<double> half_second_rms(std::span<const Sample> audio, int rate) {
  const std::int64_t half = rate / 2, length = std::int64_t(audio.size());
  std::vector<double> result;
  for (std::int64_t point = 0; point <= length / half; ++point) {
    double sum = 0;
    for (std::int64_t n = std::max<std::int64_t>(0, (point - 1) * half); n < std::min(length, (point + 1) * half); ++n)
      sum += double(audio[std::size_t(n)]) * double(audio[std::size_t(n)]);
    result.push_back(std::sqrt(sum / double(2 * half)));
  }
  return result;
}

/// PyTorch's linear interpolation to `length` points without aligned corners, at point `n`.
double stretched(const std::vector<double>& points, std::int64_t n, std::int64_t length) {
  const double at = std::max(0.0, (double(n) + 0.5) * double(points.size()) / double(length) - 0.5);
  const auto left = std::min(std::size_t(at), points.size() - 1), right = std::min(left + 1, points.size() - 1);
  const double part = at - double(left);
  return points[left] * (1 - part) + points[right] * part;
}

}  // namespace

void mix_rms(std::span<const double> source, int source_rate, std::span<float> result, int result_rate, double rate) {
  const std::vector<double> wanted = half_second_rms(source, source_rate);
  const std::vector<double> had = half_second_rms(std::span<const float>(result), result_rate);
  const auto length = std::int64_t(result.size());
  for (std::int64_t n = 0; n < length; ++n)
    result[std::size_t(n)] = float(result[std::size_t(n)] * gain(stretched(wanted, n, length), stretched(had, n, length), rate));
}

void StreamRmsMix::Halves::push(std::span<const float> audio) {
  for (const float sample : audio) {
    sum_ += double(sample) * sample;
    if (++filled_ == half_) {
      energy_.push_back(float(sum_));
      sum_ = 0;
      filled_ = 0;
    }
  }
}

void StreamRmsMix::Halves::finish() {
  if (filled_ > 0) energy_.push_back(float(sum_));
  finished_ = true;
}

double StreamRmsMix::Halves::rms(std::int64_t point) const {
  const auto energy = [&](std::int64_t k) { return k >= 0 && k < std::int64_t(energy_.size()) ? double(energy_[std::size_t(k)]) : 0.0; };
  return std::sqrt((energy(point - 1) + energy(point)) / double(2 * half_));
}

StreamRmsMix::StreamRmsMix(int source_rate, int result_rate, double rate)
    : rate_(rate), half_(result_rate / 2), source_(source_rate), result_(result_rate) {}

void StreamRmsMix::push_source(std::span<const float> source) { source_.push(source); }

std::vector<float> StreamRmsMix::push(std::span<const float> result) {
  result_.push(result);
  waiting_.insert(waiting_.end(), result.begin(), result.end());
  return emit(false);
}

std::vector<float> StreamRmsMix::finish() {
  source_.finish();
  result_.finish();
  return emit(true);
}

std::vector<float> StreamRmsMix::emit(bool last) {
  std::vector<float> out;
  while (!waiting_.empty() && (last || (std::int64_t(waiting_.size()) >= half_ && source_.knows(next_ + 1) && result_.knows(next_ + 1)))) {
    const std::int64_t count = std::min<std::int64_t>(half_, std::int64_t(waiting_.size()));
    const double source_left = source_.rms(next_), source_right = source_.rms(next_ + 1);
    const double result_left = result_.rms(next_), result_right = result_.rms(next_ + 1);
    for (std::int64_t n = 0; n < count; ++n) {
      const double part = double(n) / double(half_);
      const double source = source_left + (source_right - source_left) * part, result = result_left + (result_right - result_left) * part;
      out.push_back(float(waiting_[std::size_t(n)] * gain(source, result, rate_)));
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    ++next_;
  }
  return out;
}

}  // namespace voxconv
