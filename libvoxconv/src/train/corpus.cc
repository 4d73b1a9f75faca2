#include "train/corpus.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "features/frames.h"

namespace voxconv::train {
namespace {

/// Of every how many clips one is held out. Of few recordings a larger share is: without any nobody could tell whether training helps.
std::int64_t held_out_every(const SpeakerData& speaker) { return speaker.clips() >= 20 ? 20 : 5; }

bool is_held_out(const SpeakerData& speaker, std::int64_t clip) {
  const std::int64_t every = held_out_every(speaker);
  return speaker.clips() >= every && clip % every == every / 2;
}

std::int64_t length(const SpeakerData& speaker, std::int64_t clip) {
  return speaker.bounds[std::size_t(clip) + 1] - speaker.bounds[std::size_t(clip)];
}

}  // namespace

Corpus::Corpus(std::vector<SpeakerData> speakers, double length_power) : speakers_(std::move(speakers)) {
  double sum = 0;
  for (const SpeakerData& speaker : speakers_) cumulative_.push_back(sum += std::pow(double(speaker.frames()), length_power));
}

Crop Corpus::draw(Dice& dice, std::int64_t frames) const {
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const double ticket = dice.uniform() * cumulative_.back();
    const auto which = std::min<std::size_t>(
        std::size_t(std::upper_bound(cumulative_.begin(), cumulative_.end(), ticket) - cumulative_.begin()), speakers_.size() - 1);
    const SpeakerData& speaker = speakers_[which];
    // A random frame, then the clip around it: long clips are drawn as often as their length deserves.
    const std::int64_t frame = dice.below(speaker.frames());
    const std::int64_t clip = std::upper_bound(speaker.bounds.begin(), speaker.bounds.end(), frame) - speaker.bounds.begin() - 1;
    const std::int64_t room = length(speaker, clip) - frames;
    const std::int64_t start = dice.below(std::max<std::int64_t>(room, 0) / 2 + 1) * 2;
    if (room < 0 || is_held_out(speaker, clip)) continue;
    return {&speaker, clip, speaker.bounds[std::size_t(clip)] + start};
  }
  fail(ErrorCode::bad_audio, "The recordings hold no passage of {:.1f} s without a pause; training needs some.",
       double(frames) / frame_rate);
}

std::vector<Crop> Corpus::held_out(std::int64_t frames, std::size_t count) const {
  std::vector<Crop> crops;
  for (std::int64_t i = 0; crops.size() < count; ++i) {
    bool any = false;
    for (const SpeakerData& speaker : speakers_) {
      const std::int64_t every = held_out_every(speaker), clip = every / 2 + i * every;
      if (clip >= speaker.clips() || crops.size() >= count) continue;
      any = true;
      if (is_held_out(speaker, clip) && length(speaker, clip) >= frames)
        crops.push_back({&speaker, clip, speaker.bounds[std::size_t(clip)]});
    }
    if (!any) break;
  }
  return crops;
}

}  // namespace voxconv::train
