#pragma once
#include "features/song_plan.h"
#include "models/rvc/frame_buffer.h"
#include "models/rvc/synthesizer.h"
#include "models/rvc/tiling.h"

namespace voxconv::rvc {

/// The text encoder over a song of any length: windows at fixed places, with a margin of context either side; across their borders mean
/// and log deviation pass linearly from one window's to the next one's. RVC lets the attention span up to 43 s of song, and was trained on
/// less than 4 s.
class PriorStream {
 public:
  /// Both must outlive it. The encoder is given `pitch_ratio` times the pitch that is appended (FormantClock).
  PriorStream(const Synthesizer& synthesizer, double pitch_ratio) : synthesizer_(synthesizer), pitch_ratio_(pitch_ratio) {}

  void append(const torch::Tensor& content, const torch::Tensor& f0);
  /// Takes the next window if all of its context is there; `last`: nothing follows what was appended. Then `prior` is that of the frames
  /// after those given before. The places do not depend on how the frames were cut.
  bool next(bool last, Prior& prior);
  /// Whether next() has nothing left to give after the last frame.
  bool exhausted() const { return given_ == content_.end(); }

  /// From border to border; the first two are shorter, so that a song begins soon.
  static constexpr std::int64_t window_frames = 3 * least_block_frames;
  static constexpr std::int64_t margin_frames = 100;  ///< context beyond what is used of a window
  static constexpr std::int64_t half_fade = 10;       ///< frames either side of a border
  /// What next() goes by. A window's last half_fade frames wait for the next window.
  static WindowSpec windows() {
    constexpr std::int64_t context = half_fade + margin_frames;
    return {.hop = window_frames, .left = context, .right = context, .first = {window_frames / 4, window_frames / 2}};
  }
  /// Frames either side that a frame may depend on.
  static constexpr std::int64_t context_frames = window_frames + margin_frames + 2 * half_fade;

 private:
  const Synthesizer& synthesizer_;
  double pitch_ratio_;
  FrameBuffer content_{0}, f0_{0};
  WindowSequence windows_{windows()};
  std::int64_t given_ = 0;  ///< frames
  Prior before_;            ///< the previous window's view of the frames from given_ to half_fade after the border
};

}  // namespace voxconv::rvc
