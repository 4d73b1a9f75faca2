#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "features/content/content_encoder.h"
#include "features/frames.h"
#include "features/pitch/pitch_stream.h"
#include "voxconv/f0.h"

namespace voxconv {

/// 16 kHz audio in, FeatureFrames out, in bounded memory. The audio is cut into windows at fixed places, so the frames depend neither on
/// how it is pushed nor on anything further away than a window; the content of neighbouring windows is faded into one another. The pitch
/// has windows of its own (PitchStream). Windows that are there together can be heard together, up to `together`: each frame is then the
/// same but for rounding. One instance per thread.
class FeatureStream {
 public:
  static constexpr std::int64_t hop_frames = PitchStream::hop_frames;  ///< new frames of a window
  static constexpr std::int64_t context_frames = 1 * frame_rate;       ///< heard before and after them
  static constexpr std::int64_t fade_frames = 30;                      ///< content is faded over this many frames either side of a border

  /// Without an encoder the content has no numbers, [T, 0]. The pitch is the estimator's, or the track's (100 frames a second, which must
  /// outlive the stream); with neither, frames come without (all 0). The background is lowered by up to `pause_db` (background.h); without
  /// a pitch pauses cannot be told from soft singing and stay.
  FeatureStream(std::shared_ptr<const ContentEncoder> content, std::shared_ptr<const F0Estimator> f0, double pause_db = 0,
                std::int64_t together = 1, const F0Track* track = nullptr);

  FeatureFrames push(std::span<const float> audio);  ///< the frames that are now certain; may be none
  FeatureFrames finish();                            ///< the rest; frame_count(samples) frames in all, or none if there was no audio

 private:
  torch::Tensor encode(const torch::Tensor& audio) const;
  void know(const torch::Tensor& f0);
  torch::Tensor pitch(std::int64_t first, std::int64_t count) const;
  void analyse_ready(std::vector<FeatureFrames>& out);
  void analyse(std::int64_t count, std::vector<FeatureFrames>& out);
  void add(FeatureFrames all, bool last, std::vector<FeatureFrames>& out);
  std::int64_t window_start() const;
  torch::Tensor audio_from(std::int64_t begin, std::int64_t end);

  std::shared_ptr<const ContentEncoder> content_;
  std::optional<PitchStream> pitch_;
  const F0Track* track_;
  double pause_db_;
  std::int64_t together_;
  std::vector<float> audio_;              ///< from sample start_
  std::int64_t start_ = 0, end_ = 0;      ///< samples
  torch::Tensor f0_ = torch::empty({0});  ///< of the estimator, from frame f0_start_
  std::int64_t f0_start_ = 0;
  std::int64_t window_ = 0;  ///< number of the next window
  FeatureFrames tail_;       ///< last window's view of the 2 * fade_frames around its border (f0, loudness: of those before it)
};

/// How many windows at a time keep a device busy.
inline std::int64_t windows_together(torch::Device device) { return device.is_cpu() ? 1 : 4; }

/// Frames one after another; empty ones are skipped.
FeatureFrames join(const std::vector<FeatureFrames>& parts);

}  // namespace voxconv
