#pragma once
#include <memory>
#include <vector>

#include "audio/resampler.h"
#include "models/denoise/denoiser.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// A source without its background noise, at its rate and of its length: each channel by itself through a Denoiser. Above 48 kHz nothing
/// is left over 24 kHz. `limit_db`: see DenoiseStream. Memory does not grow with the source. What it gives does not depend on how it is
/// read.
class DenoisingReader : public AudioReader {
 public:
  /// `source` gives finite samples (CheckedReader) and must outlive it.
  DenoisingReader(AudioReader& source, std::shared_ptr<const Denoiser> denoiser, double limit_db);
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  struct Channel {
    StreamResampler to_denoiser;
    DenoiseStream stream;
    StreamResampler from_denoiser;
    std::vector<float> kept;  ///< denoised, and not given out yet
  };
  void take(const AudioBuffer& audio);
  void finish();

  AudioReader& source_;
  std::vector<Channel> channels_;
  std::size_t frames_in_ = 0, frames_out_ = 0;
  bool ended_ = false;
};

}  // namespace voxconv
