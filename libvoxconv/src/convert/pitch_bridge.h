#pragma once
#include "features/frames.h"

namespace voxconv {

/// bridge_gaps() of a stream: frames are held back until the gap they lie in has ended, but no more than ten seconds of them. Those that
/// are then given out go on with the pitch before the gap (at the start of a song, where there is none yet, without one).
class PitchBridge {
 public:
  static constexpr std::int64_t longest_gap = 10 * frame_rate;
  FeatureFrames push(const FeatureFrames& frames, bool last);  ///< the frames that are now certain

 private:
  FeatureFrames held_;
  float before_ = 0;  ///< pitch before the gap, 0: none yet
};

}  // namespace voxconv
