#pragma once
#include "voxconv/audio_io.h"

namespace voxconv::eval {

/// Reads a sound that is in memory.
class MemoryReader : public AudioReader {
 public:
  explicit MemoryReader(const AudioBuffer& audio);  ///< `audio` must outlive the reader
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  const AudioBuffer& audio_;
  AudioInfo info_;
  std::size_t position_ = 0;
};

/// Keeps what is written.
class CapturingWriter : public AudioWriter {
 public:
  void write(const AudioBuffer& audio) override;
  void finish() override {}
  const AudioBuffer& audio() const { return audio_; }

 private:
  AudioBuffer audio_;
};

}  // namespace voxconv::eval
