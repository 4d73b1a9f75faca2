#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "audio/ffmpeg.h"

namespace voxconv {

/// Where a container's time stamps put its sound: what is lacking before a piece is silence. The time line begins with the first stream
/// (sound or video), so that sound that begins after the picture stays in place. Only containers that stamp every packet have one: of the
/// others (WAV, MP3, Ogg ...) FFmpeg counts the samples itself.
///
/// A stamp may be wrong, or be made up to claim years: silence is given only where the next piece agrees, up to max_gap_s at once and
/// max_silence_s in all; what lies beyond is joined, with one warning.
class TimeLine {
 public:
  static constexpr double max_gap_s = 600, max_silence_s = 3600;

  /// `format` was analysed (avformat_find_stream_info); `stream` is its audio, `name` the file's in messages.
  TimeLine(const AVFormatContext& format, const AVStream& stream, int rate, std::string name);

  /// Whether the container has a time line.
  bool known() const { return gap_s_.has_value(); }
  /// Tells where the first piece lies, before the length is told: where sound begins long after the picture, the head may not say so.
  void begin(std::int64_t pts);
  /// Frames to add to the duration in the container's head for the silence before the sound: of those that are given and that it does not
  /// count; negative for those that it counts and that are not given.
  std::int64_t duration_correction() const;

  /// Frames of silence that are due before a piece of `frames` frames stamped `pts`, where `position` frames were given and the piece after
  /// it is stamped `next` (AV_NOPTS_VALUE: a piece without a stamp; nothing: there is none). For one piece after the other.
  std::int64_t silence_before(std::int64_t pts, std::int64_t frames, std::optional<std::int64_t> next, std::int64_t position);

 private:
  /// In frames; nothing for a piece without a stamp, or with one that no sound can have.
  std::optional<std::int64_t> place(std::int64_t pts) const;
  void warn(std::int64_t missing, std::int64_t position);

  const std::string name_;
  const int rate_;
  const AVRational unit_;
  std::optional<double> gap_s_;           ///< the shortest gap that is one; shorter ones are inexact stamps
  bool counts_lead_ = false;              ///< the duration in the head does
  std::optional<std::int64_t> others_;    ///< where the first of the other streams begins, in frames
  std::int64_t lead_ = 0;                 ///< from its beginning to the sound's as the head tells it, in frames
  bool lead_given_ = true;                ///< as silence; false: it is too long
  std::int64_t origin_ = 0;               ///< frames that are taken off each stamp
  std::optional<std::int64_t> expected_;  ///< where the next piece lies if it follows the last one
  std::int64_t silence_ = 0;              ///< given so far
  bool warned_ = false;
};

}  // namespace voxconv
