#pragma once
#include "core/caller.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// A writer that the caller may have written: what it throws leaves the library as it is. `target` must outlive it.
class CallerWriter : public AudioWriter {
 public:
  explicit CallerWriter(AudioWriter& target) : target_(target) {}
  void write(const AudioBuffer& audio) override {
    call_caller([&] { target_.write(audio); });
  }
  void finish() override {
    call_caller([&] { target_.finish(); });
  }

 private:
  AudioWriter& target_;
};

}  // namespace voxconv
