#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Shifts the pitch of a stream by a number of semitones, at its tempo and length (SoundTouch: overlapped sequences of 40 ms, joined where
/// they agree best, then resampled). Formants of instruments move with the pitch. Aligned: a sequence keeps the times within it, so single
/// onsets lie up to some milliseconds early or late, but together they are in time to within 1 ms (docs/cover.md). The result does not
/// depend on how the stream is cut into pushes. One instance per stream.
class PitchShift {
 public:
  /// `channels` 1 to 16, `semitones` within -24 .. 24.
  PitchShift(int channels, int rate, double semitones);
  ~PitchShift();

  AudioBuffer push(const AudioBuffer& audio);  ///< lags behind by about 0.1 s; may be empty
  AudioBuffer finish();                        ///< the rest: as many frames in all as came in

 private:
  struct State;
  void feed();
  AudioBuffer take(std::size_t frames);

  std::size_t channels_;
  int rate_;
  std::unique_ptr<State> state_;
  std::vector<float> waiting_;   ///< interleaved, not yet fed
  std::vector<float> ready_;     ///< interleaved, not yet given out
  std::size_t frames_left_ = 0;  ///< that came in and have not been given out
  std::size_t drop_ = 0;         ///< frames that are still to go, by which SoundTouch is late
};

}  // namespace voxconv
