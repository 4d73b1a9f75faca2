#pragma once
#include <cstddef>
#include <vector>

#include "convert/reverb.h"
#include "convert/spectral_filter.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// A voice without the late reverberation of its room, of the source's rate, channels and length. In each moment and frequency the room
/// says how much power is reverberation of what was before (Lebart et al. 2001; with the level of the sound itself: Habets 2009), and a
/// gain between -18 and 0 dB, the same in all channels, takes that out. Phases stay. Bounded memory; what it gives does not depend on how
/// it is read.
class DereverbReader : public AudioReader {
 public:
  DereverbReader(AudioReader& source, const Reverb& reverb);  ///< `source` must outlive it
  DereverbReader(const DereverbReader&) = delete;             ///< the filter calls back to this object
  DereverbReader& operator=(const DereverbReader&) = delete;
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  torch::Tensor dried(const torch::Tensor& spectra);
  void gains_of(const float* power, float* gains);

  AudioReader& source_;
  SpectralFilter filter_;
  std::vector<float> kept_, feed_;          ///< per frequency bin: what is left of reverberation a hop later, and what comes to it
  std::vector<float> power_, late_;         ///< smoothed, of all channels; the part that is reverberation
  std::vector<std::vector<float>> direct_;  ///< of the last hops, as in a ring
  std::size_t oldest_ = 0;
  AudioBuffer ready_;
  bool ended_ = false;
};

}  // namespace voxconv
