#pragma once
#include <memory>
#include <span>
#include <vector>

#include "features/frames.h"
#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// 16 kHz audio in, pitch out, in bounded memory: the one way in which a song is cut for an estimator. Windows lie at fixed places of the
/// time line, with the context that the estimator asks for, so the result does not depend on how the audio is pushed. Windows that are
/// there together may be analysed together, up to `together`: each frame is then the same but for rounding. One instance per stream.
class PitchStream {
 public:
  static constexpr std::int64_t hop_frames = 10 * frame_rate;  ///< new frames of a window
  static constexpr std::int64_t lead_frames = 104;             ///< more of the first one, so that the content's windows can follow closely

  explicit PitchStream(std::shared_ptr<const F0Estimator> estimator, std::int64_t together = 1);

  F0Frames push(std::span<const float> audio);  ///< the frames that are now certain, on the CPU; may be none
  F0Frames finish();                            ///< the rest; frame_count(samples) in all, or none if there was no audio

 private:
  torch::Tensor audio_between(std::int64_t begin, std::int64_t end);
  void analyse(std::int64_t count, std::vector<F0Frames>& out);

  std::shared_ptr<const F0Estimator> estimator_;
  std::int64_t together_, context_;   ///< context_: frames
  std::vector<float> audio_;          ///< from sample start_
  std::int64_t start_ = 0, end_ = 0;  ///< samples
  std::int64_t done_ = 0;             ///< frames
};

}  // namespace voxconv
