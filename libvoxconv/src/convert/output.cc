#include "convert/output.h"

#include <algorithm>
#include <cmath>

#include "core/stage_clock.h"

namespace voxconv {
namespace {

constexpr double ceiling_dbtp = -1;

void append(std::vector<std::vector<float>>& kept, const std::vector<std::vector<float>>& more) {
  for (std::size_t c = 0; c < kept.size(); ++c) kept[c].insert(kept[c].end(), more[c].begin(), more[c].end());
}

}  // namespace

Output::Output(const ConvertOptions& options, int channels, int source_rate, int rate, AudioWriter& writer)
    : options_(options),
      rate_(rate),
      writer_(writer),
      dry_resampler_(channels, source_rate, rate),
      limiter_(channels, rate, ceiling_dbtp),
      wet_(std::size_t(channels)),
      dry_(std::size_t(channels)) {}

void Output::add_dry(const AudioBuffer& audio) {
  if (options_.wet < 1) append(dry_, dry_resampler_.push(audio).channels);
}

void Output::finish_dry() {
  if (options_.wet < 1) append(dry_, dry_resampler_.finish().channels);
}

void Output::add_wet(std::size_t channel, const std::vector<float>& samples) {
  wet_[channel].insert(wet_[channel].end(), samples.begin(), samples.end());
}

void Output::pad(std::int64_t length) {
  const auto missing = std::size_t(std::max<std::int64_t>(0, length - done_));
  for (auto* kept : {&wet_, &dry_})
    for (auto& samples : *kept)
      if (samples.size() < missing) samples.resize(missing);
}

bool Output::write(std::int64_t length) {
  const StageScope stage(Stage::post);
  std::size_t ready = std::size_t(std::max<std::int64_t>(0, length - done_));
  for (const auto& samples : wet_) ready = std::min(ready, samples.size());
  if (options_.wet < 1)
    for (const auto& samples : dry_) ready = std::min(ready, samples.size());
  if (ready == 0) return false;
  AudioBuffer mixed(rate_, wet_.size(), ready);
  const float gain = float(std::pow(10, options_.gain_db / 20)), wet = float(options_.wet) * gain, dry = float(1 - options_.wet) * gain;
  for (std::size_t c = 0; c < wet_.size(); ++c) {
    for (std::size_t i = 0; i < ready; ++i) mixed.channels[c][i] = wet * wet_[c][i] + (options_.wet < 1 ? dry * dry_[c][i] : 0);
    wet_[c].erase(wet_[c].begin(), wet_[c].begin() + std::ptrdiff_t(ready));
    if (options_.wet < 1) dry_[c].erase(dry_[c].begin(), dry_[c].begin() + std::ptrdiff_t(ready));
  }
  done_ += std::int64_t(ready);
  const AudioBuffer safe = limiter_.push(mixed);
  if (!safe.empty()) writer_.write(safe);
  return true;
}

double Output::finish() {
  const StageScope stage(Stage::post);
  const AudioBuffer safe = limiter_.finish();
  if (!safe.empty()) writer_.write(safe);
  writer_.finish();
  return limiter_.largest_reduction_db();
}

}  // namespace voxconv
