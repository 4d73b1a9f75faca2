#pragma once
#include <memory>
#include <span>
#include <vector>

#include "features/pitch/f0_estimator.h"
#include "features/pitch/missed_notes.h"
#include "features/song_plan.h"

namespace voxconv {

/// 16 kHz audio in, pitch out, in bounded memory, by the windows of a plan: the one way in which the pitch of a song is taken. The result
/// does not depend on how the audio is pushed. One instance per stream.
class PitchStream {
 public:
  /// `plan` was made for this estimator.
  PitchStream(std::shared_ptr<const F0Estimator> estimator, const SongPlan& plan);

  F0Frames push(std::span<const float> audio);  ///< the frames that are now certain, on the CPU; may be none
  F0Frames finish();                            ///< the rest; frame_count(samples) in all, or none if there was no audio
  const MissedNotes& missed() const { return missed_; }

 private:
  void estimate(const std::vector<Window>& windows, std::vector<F0Frames>& out);

  std::shared_ptr<const F0Estimator> estimator_;
  WindowSequence windows_;
  SignalBuffer audio_;
  MissedNotes missed_;
};

/// The pitch of 16 kHz audio [N] that is in memory, by the windows of a plan.
F0Frames estimate_pitch(const torch::Tensor& audio, std::shared_ptr<const F0Estimator> estimator, const SongPlan& plan);

}  // namespace voxconv
