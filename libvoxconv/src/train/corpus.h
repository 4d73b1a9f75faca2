#pragma once
#include <vector>

#include "train/dice.h"
#include "train/speaker_data.h"

namespace voxconv::train {

/// A place in the recordings.
struct Crop {
  const SpeakerData* speaker;
  std::int64_t clip, frame;  ///< frame: counted over the speaker's whole data, even
};

/// The speakers of a training run, split into training and held-out clips (one in twenty, by its number; of fewer than twenty one in five),
/// and drawn from by weight.
class Corpus {
 public:
  /// A speaker is drawn as often as the given power of the length of its recordings says: 1 = every second counts alike, 0 = every speaker
  /// does.
  Corpus(std::vector<SpeakerData> speakers, double length_power);

  /// A random crop of `frames` frames that lies in one training clip.
  Crop draw(Dice& dice, std::int64_t frames) const;
  /// The same place in each of the held-out clips that are long enough, at most `count` of them, spread over the speakers.
  std::vector<Crop> held_out(std::int64_t frames, std::size_t count) const;

  const std::vector<SpeakerData>& speakers() const { return speakers_; }

 private:
  std::vector<SpeakerData> speakers_;
  std::vector<double> cumulative_;
};

}  // namespace voxconv::train
