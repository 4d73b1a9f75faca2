#pragma once
#include <string>

#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace voxconv::cli {

/// A reader that reports how far it has read and stops as asked: progress for the calls that have none of their own.
class WatchedReader : public AudioReader {
 public:
  WatchedReader(AudioReader& reader, std::string stage, ProgressFn on_progress, CancelToken cancel)
      : reader_(reader), stage_(std::move(stage)), on_progress_(std::move(on_progress)), cancel_(std::move(cancel)) {}

  const AudioInfo& info() const override { return reader_.info(); }

  bool read(AudioBuffer& out, std::size_t max_frames) override {
    cancel_.check();
    const bool more = reader_.read(out, max_frames);
    const AudioInfo& source = reader_.info();
    frames_ += static_cast<std::int64_t>(out.frames());
    on_progress_({stage_, double(frames_) / source.rate, source.frames > 0 ? double(source.frames) / source.rate : 0, "s", ""});
    return more;
  }

 private:
  AudioReader& reader_;
  std::string stage_;
  ProgressFn on_progress_;
  CancelToken cancel_;
  std::int64_t frames_ = 0;
};

}  // namespace voxconv::cli
