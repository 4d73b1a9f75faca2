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

/// 16 kHz audio in, FeatureFrames out, in bounded memory, by the windows of a plan: the frames depend neither on how the audio is pushed
/// nor on anything further away than a window. The content of neighbouring windows is faded into one another; the pitch has windows of its
/// own (PitchStream). One instance per thread.
class FeatureStream {
 public:
  /// Without an encoder the content has no numbers, [T, 0]. The pitch is the estimator's (for which `plan` was made), or the track's (100
  /// frames a second, which must outlive the stream); with neither, frames come without (all 0). The background is lowered by up to
  /// `pause_db` (background.h); without a pitch pauses cannot be told from soft singing and stay.
  FeatureStream(const SongPlan& plan, std::shared_ptr<const ContentEncoder> content, std::shared_ptr<const F0Estimator> f0,
                double pause_db = 0, const F0Track* track = nullptr);

  FeatureFrames push(std::span<const float> audio);  ///< the frames that are now certain; may be none
  FeatureFrames finish();                            ///< the rest; frame_count(samples) frames in all, or none if there was no audio
  /// What the estimator found no pitch of, although it has one; null: there is no estimator.
  const MissedNotes* missed() const { return pitch_ ? &pitch_->missed() : nullptr; }

 private:
  torch::Tensor encode(const torch::Tensor& audio) const;
  void append_pitch(const torch::Tensor& f0);
  torch::Tensor pitch(std::int64_t first, std::int64_t count) const;
  std::int64_t available() const;
  void extract(const std::vector<Window>& windows, std::vector<FeatureFrames>& out);
  void add(const Window& window, FeatureFrames all, std::vector<FeatureFrames>& out);

  std::shared_ptr<const ContentEncoder> content_;
  std::optional<PitchStream> pitch_;
  const F0Track* track_;
  double pause_db_;
  std::int64_t fade_;  ///< frames either side of a border
  WindowSequence windows_;
  SignalBuffer audio_;
  torch::Tensor f0_ = torch::empty({0});  ///< of the estimator, from frame f0_start_
  std::int64_t f0_start_ = 0;
  FeatureFrames tail_;  ///< last window's view of the 2 * fade_ frames around its border (f0, loudness: of those before it)
};

/// Frames one after another; empty ones are skipped.
FeatureFrames join(const std::vector<FeatureFrames>& parts);

}  // namespace voxconv
