#pragma once
#include <cstddef>
#include <string>

#include "voxconv/audio_io.h"

namespace voxconv {

/// A reader that the caller may have written, held to what AudioReader promises, since what follows relies on it: rate and channels that
/// voxconv handles, buffers with the rate and channels of info() and equally long channels. Samples that are no numbers become 0, as
/// library readers read them: filters would keep a NaN for ever. Throws Error(usage) where a promise is broken; what the source throws
/// passes as it is. `source` must outlive it.
class CheckedReader : public AudioReader {
 public:
  explicit CheckedReader(AudioReader& source);
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  AudioReader& source_;
  int rate_, channels_;
};

}  // namespace voxconv
