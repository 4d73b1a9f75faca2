#pragma once
#include <algorithm>
#include <string>

#include "audio/limits.h"
#include "audio/samples.h"
#include "core/boundary.h"
#include "core/log.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// What all readers share: a read is filled, in blocks of bounded length, until the source ends, and no source is read beyond the limits.
/// What a pipe has given is handed on at once instead.
class BlockReader : public AudioReader {
 public:
  const AudioInfo& info() const final { return info_; }

  bool read(AudioBuffer& out, std::size_t max_frames) final try {
    out = AudioBuffer(info_.rate, std::size_t(info_.channels));
    const std::size_t wanted = std::min(max_frames, std::size_t(max_samples_of_a_read / info_.channels));
    while (!ended_ && out.frames() < wanted) {
      const std::size_t before = out.frames();
      read_block(out, std::min(wanted - before, max_block_frames));
      ended_ = out.frames() == before;
      if (live_) break;
    }
    frames_read_ += std::int64_t(out.frames());
    check_length(name_, info_.rate, info_.channels, frames_read_);
    if (out.empty() && wanted > 0) end();
    return !out.empty();
  } catch (...) {
    throw_as_error();
  }

 protected:
  /// `live`: more than what is there may take its time to come.
  BlockReader(std::string name, bool live) : name_(std::move(name)), live_(live) {}

  /// Appends up to `max_frames` of the frames that come next to `out`, none at the end.
  virtual void read_block(AudioBuffer& out, std::size_t max_frames) = 0;
  /// Checks a source that gave no more; called at each read from then on. Throws Error(bad_audio) where it should have given more.
  virtual void end() = 0;

  /// For a source whose length is known when it is opened. Throws Error(bad_audio) if that is more than is read.
  void check_known_length() const {
    if (info_.frames > 0) check_length(name_, info_.rate, info_.channels, info_.frames);
  }

  std::int64_t frames_read() const { return frames_read_; }

  /// For a source that ended too early: says so, once, and how much is missing of the frames that it claims (-1: none).
  void warn_of_early_end(std::int64_t claimed_frames) {
    if (warned_) return;
    warned_ = true;
    const double rate = info_.rate, missing_s = double(claimed_frames - frames_read_) / rate;
    log_warning("{} ends after {:.2f} s, {}before its time: it was cut off or is damaged there.", name_, double(frames_read_) / rate,
                missing_s > 0 ? fmt::format("{:.2f} s ", missing_s) : "");
  }

  AudioInfo info_;

 private:
  const std::string name_;
  const bool live_;
  std::int64_t frames_read_ = 0;
  bool ended_ = false, warned_ = false;
};

}  // namespace voxconv
