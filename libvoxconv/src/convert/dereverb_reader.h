#pragma once
#include <cstddef>
#include <vector>

#include "convert/reverb.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// A voice without the late reverberation of its room, of the source's rate, channels and length. In each moment and frequency the room
/// says how much power is reverberation of what was before (Lebart et al. 2001; with the level of the sound itself: Habets 2009), and a
/// gain between -18 and 0 dB, the same in all channels, takes that out. Phases stay. Bounded memory; what it gives does not depend on how
/// it is read.
class DereverbReader : public AudioReader {
 public:
  DereverbReader(AudioReader& source, const Reverb& reverb);  ///< `source` must outlive it
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  void process();
  void gains_of(const float* power, float* gains);

  AudioReader& source_;
  const std::size_t channels_, frame_, hop_;
  std::vector<float> window_;
  std::vector<float> kept_, feed_;          ///< per frequency bin: what is left of reverberation a hop later, and what comes to it
  std::vector<float> power_, late_;         ///< smoothed, of all channels; the part that is reverberation
  std::vector<std::vector<float>> direct_;  ///< of the last hops, as in a ring
  std::size_t oldest_ = 0;
  std::vector<std::vector<float>> waiting_;  ///< samples from the next frame on
  std::vector<std::vector<float>> overlap_;  ///< sums that later frames add to
  std::vector<std::vector<float>> ready_;
  std::size_t skipped_;  ///< samples that lie before the begin and are not given out
  std::size_t frames_in_ = 0, frames_out_ = 0;
  bool ended_ = false;
};

}  // namespace voxconv
