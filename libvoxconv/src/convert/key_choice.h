#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "features/pitch/f0_estimator.h"
#include "features/song_plan.h"
#include "voxconv/key.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Counts pitch by its logarithm: its memory is the same at any length.
class PitchHistogram {
 public:
  PitchHistogram();
  /// Frames of a song: Hz (0 = unvoiced), and their loudness as rms_loudness() gives it. What is silent does not count at all.
  void add(const torch::Tensor& f0, const torch::Tensor& loudness);
  void add(double hz);  ///< a frame that sounds
  PitchRange range() const;

 private:
  std::vector<std::int64_t> counts_;
  std::int64_t sounding_ = 0, voiced_ = 0;  ///< frames
};

/// measure_pitch_range() with an estimator that is loaded, for which `plan` was made.
PitchRange pitch_range_of(AudioReader& reader, std::shared_ptr<const F0Estimator> f0, const SongPlan& plan, const ProgressFn& on_progress,
                          const CancelToken& cancel);

/// The lowest and the highest pitch in Hz that a voice of this range reaches; nothing where the range is not known.
std::optional<std::pair<double, double>> reach_of(const PitchRange& voice);

inline PitchRange range_of(const VoiceInfo& voice) { return {voice.f0_low, voice.f0_median, voice.f0_high}; }

}  // namespace voxconv
