#pragma once
#include <algorithm>

#include "audio/samples.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// What all writers share: checks of what is written, in blocks of bounded length.
class BlockWriter : public AudioWriter {
 public:
  BlockWriter(int rate, int channels) : rate_(rate), channels_(channels) {}

  void write(const AudioBuffer& audio) final try {
    if (finished_) fail(ErrorCode::usage, "Sound was written after finish().");
    if (audio.channel_count() != std::size_t(channels_) || audio.rate != rate_)
      fail(ErrorCode::usage, "The writer was opened for {} channels at {} Hz and got {} channels at {} Hz.", channels_, rate_,
           audio.channel_count(), audio.rate);
    for (std::size_t begin = 0; begin < audio.frames(); begin += max_block_frames)
      write_block(audio, begin, std::min(audio.frames(), begin + max_block_frames));
    flush();
  } catch (...) {
    throw_as_error();
  }

  void finish() final try {
    if (finished_) return;
    finished_ = true;
    close();
  } catch (...) {
    throw_as_error();
  }

 protected:
  virtual void write_block(const AudioBuffer& audio, std::size_t begin, std::size_t end) = 0;
  virtual void flush() {}    ///< hands on to a pipe what can be handed on
  virtual void close() = 0;  ///< completes the target

  const int rate_, channels_;

 private:
  bool finished_ = false;
};

}  // namespace voxconv
