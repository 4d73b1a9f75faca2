#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "features/content/content_encoder.h"
#include "features/pitch/f0_estimator.h"
#include "features/speaker/speaker_encoder.h"
#include "nn/torch.h"
#include "voxconv/progress.h"

namespace voxconv::train {

/// The features of one speaker's recordings, clips one after another; frames are those of the 100 Hz clock.
struct SpeakerData {
  std::string name;
  std::vector<std::int64_t> bounds;  ///< clip c has the frames bounds[c] .. bounds[c + 1]; all even
  torch::Tensor audio;               ///< [frames * hop] int16, 44.1 kHz
  torch::Tensor f0;                  ///< [frames] Hz
  torch::Tensor loudness;            ///< [frames]
  torch::Tensor envelope;            ///< [frames, envelope_bins] fp16
  torch::Tensor content;     ///< [variants, frames / 2, content_dim] fp16: as recorded, played faster, played slower; may be undefined
  torch::Tensor embeddings;  ///< [clips, speaker_dim]
  double band_hz = 0;        ///< the recordings hold nothing above this

  std::int64_t clips() const { return std::int64_t(bounds.size()) - 1; }
  std::int64_t frames() const { return bounds.back(); }
  torch::Tensor embedding() const;  ///< [speaker_dim] normalised mean
  /// Content of a passage on the frame clock [frames, content_dim]; `frame` and `frames` are even.
  torch::Tensor content_of(std::int64_t variant, std::int64_t frame, std::int64_t frames) const;
};

/// What the features are made with.
struct FeatureTools {
  std::shared_ptr<const ContentEncoder> content;  ///< null: without content (the vocoder needs none)
  std::shared_ptr<const F0Estimator> f0;
  std::shared_ptr<const SpeakerEncoder> speaker;
};

/// 16 hex digits that change with the recordings' paths, sizes and times, and with how much of them is used.
std::string recordings_hash(const std::vector<std::string>& recordings, double max_minutes);

/// Reads and analyses the given recordings of one speaker, or takes the result of an earlier run from `cache_dir` (a file named by the
/// speaker and recordings_hash()). Clips are used up to the one that reaches `max_minutes`. Bad recordings are logged and left out.
SpeakerData prepare_speaker(const std::string& name, const std::vector<std::string>& recordings, const FeatureTools& tools,
                            const std::string& cache_dir, double max_minutes, const ProgressFn& on_progress, const CancelToken& cancel);

}  // namespace voxconv::train
