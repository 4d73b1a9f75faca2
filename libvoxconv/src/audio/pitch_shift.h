#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "audio/resampler.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Throws Error(not_found) where SoundTouch, without which nothing is shifted, is not installed.
void require_pitch_shift();

/// Shifts the pitch of a stream by a number of semitones, at its tempo and length: resampled, then brought back to its length by SoundTouch
/// (overlapped sequences of 60 ms, joined where they agree best; the same ones in all channels). Formants of instruments move with the
/// pitch (convert/music_shift.h keeps them). A sequence keeps the times within it, so single onsets lie some milliseconds early or late,
/// but on average they are in time (docs/cover.md has figures). The result does not depend on how the stream is cut into pushes. One
/// instance per stream.
class PitchShift {
 public:
  /// `channels` 1 to 16, `semitones` within -12 .. 12.
  PitchShift(int channels, int rate, double semitones);
  ~PitchShift();
  PitchShift(const PitchShift&) = delete;
  PitchShift& operator=(const PitchShift&) = delete;

  AudioBuffer push(const AudioBuffer& audio);  ///< lags behind by about 0.2 s; may be empty
  AudioBuffer finish();                        ///< the rest: as many frames in all as came in

 private:
  void feed(const AudioBuffer& higher);
  AudioBuffer take(std::size_t frames);

  std::size_t channels_;
  int rate_;
  int taken_rate_;               ///< the rate that the stream is taken for, so that it sounds higher or lower at its own
  StreamResampler resampler_;    ///< from there to its own
  void* stretcher_;              ///< SoundTouch's, which takes the tempo back
  std::vector<float> waiting_;   ///< interleaved, not yet fed
  std::vector<float> ready_;     ///< interleaved, not yet given out
  std::size_t frames_left_ = 0;  ///< that came in and have not been given out
  std::size_t drop_ = 0;         ///< frames that are still to go, by which the result is late
};

}  // namespace voxconv
