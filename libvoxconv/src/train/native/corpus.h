#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "features/content/content_encoder.h"
#include "features/pitch/pitch_stream.h"
#include "features/speaker/speaker_encoder.h"
#include "models/denoise/denoiser.h"
#include "nn/torch.h"
#include "train/random_source.h"
#include "voxconv/audio_buffer.h"
#include "voxconv/progress.h"

namespace voxconv::train {

/// Of the content of a clip: as recorded, played faster, played slower, in a noisy room.
constexpr std::int64_t content_variants = 4;

/// The features of one speaker's recordings, clips one after another; frames are those of the 100 Hz clock.
struct SpeakerData {
  std::string name;
  std::vector<std::int64_t> bounds;  ///< clip c has the frames bounds[c] .. bounds[c + 1]; all even
  torch::Tensor audio;               ///< [frames * hop] int16, 44.1 kHz
  torch::Tensor f0;                  ///< [frames] Hz
  torch::Tensor loudness;            ///< [frames]
  torch::Tensor envelope;            ///< [frames, envelope_bins] fp16
  torch::Tensor content;             ///< [content_variants, frames / 2, content_dim] fp16; may be undefined
  torch::Tensor embeddings;          ///< [clips, speaker_dim]
  double band_hz = 0;                ///< the recordings hold nothing above this

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
  SongPlan plan;  ///< made for f0
  std::shared_ptr<const SpeakerEncoder> speaker;
  std::shared_ptr<const Denoiser> denoiser;  ///< null: the recordings are taken as they are
};

/// Samples of any shape [..., N] one after another, as one channel.
AudioBuffer to_buffer(const torch::Tensor& audio, int rate);

/// 16 hex digits that change with the recordings' paths, sizes and times, and with how much of them is used and how.
std::string recordings_hash(const std::vector<std::string>& recordings, double max_minutes, bool denoise);

/// Reads and analyses the given recordings of one speaker, or takes the result of an earlier run from `cache_dir` (a file named by the
/// speaker and recordings_hash()). Clips are used up to the one that reaches `max_minutes`. Bad recordings are logged and left out.
SpeakerData prepare_speaker(const std::string& name, const std::vector<std::string>& recordings, const FeatureTools& tools,
                            const std::string& cache_dir, double max_minutes, const ProgressFn& on_progress, const CancelToken& cancel);

/// A place in the recordings.
struct Crop {
  const SpeakerData* speaker;
  std::int64_t clip, frame;  ///< frame: counted over the speaker's whole data, even
};

/// The speakers of a training run, split into training and held-out clips (one in twenty, by its number; of fewer than twenty one in five),
/// and drawn from by weight.
class Corpus {
 public:
  /// A speaker is drawn as often as the given power of the length of its recordings says: 1 = every second counts alike, 0 = every speaker
  /// does.
  Corpus(std::vector<SpeakerData> speakers, double length_power);

  /// A random crop of `frames` frames that lies in one training clip.
  Crop draw(RandomSource& random, std::int64_t frames) const;
  /// The same place in each of the held-out clips that are long enough, at most `count` of them, spread over the speakers.
  std::vector<Crop> held_out(std::int64_t frames, std::size_t count) const;

  const std::vector<SpeakerData>& speakers() const { return speakers_; }

 private:
  std::vector<SpeakerData> speakers_;
  std::vector<double> cumulative_;
};

}  // namespace voxconv::train
