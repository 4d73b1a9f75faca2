#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "features/content/content_encoder.h"
#include "features/frames.h"
#include "features/pitch/f0_estimator.h"
#include "features/retrieval/retrieval_index.h"
#include "features/song_plan.h"

namespace voxconv {

struct SynthesisOptions {
  std::uint64_t seed = 0;
  double formant = 0;        ///< semitones
  std::int64_t speaker = 0;  ///< of a model with several
};

/// What the pipeline around a voice model must do for it, because its training did.
struct ModelRequirements {
  bool rms_mix = false;     ///< loudness by RVC's rms mix (half-second envelope) instead of LoudnessFollower
  bool retrieval = false;   ///< retrieval and protect have RVC's meaning and defaults
  bool pitch = true;        ///< its output has the pitch it is given
  std::string f0 = "auto";  ///< the estimator that f0 = "auto" stands for where its weights are installed
};

/// The conversion of one song: frames in, audio out, whatever the cut of the frames into pushes. One per thread.
class VoiceStream {
 public:
  virtual ~VoiceStream() = default;
  /// The next frames; `last` with the final ones (which may be none). Returns the mono samples that later frames cannot change. After the
  /// last push the samples add up to frames * sample_rate / frame_rate; sample 0 lies at the centre of frame 0.
  virtual std::vector<float> push(const FeatureFrames& frames, bool last) = 0;
};

/// What the pipeline of a model's original is given, for VoiceModel::convert_whole().
struct WholeSong {
  torch::Tensor audio;                    ///< [N] 16 kHz mono
  const ContentEncoder* content;          ///< of the voice
  const F0Estimator* f0;                  ///< null for a model without pitch input
  const RetrievalIndex* index = nullptr;  ///< null: none
  std::vector<float> given_f0;            ///< Hz at 100 frames a second that replace the estimate, from the start of the song; not shifted
  double key = 0, index_rate = 0, protect = 0.5, rms_mix = 1;
  bool bridge = false;  ///< gaps of the pitch, as RVC does since 2026
  std::int64_t speaker = 0;
  std::uint64_t seed = 0;
  std::function<void(double)> on_second = {};  ///< called with the seconds of audio that are done; may throw to stop
};

/// An architecture with its weights: turns FeatureFrames into audio. Const and shared between threads.
class VoiceModel {
 public:
  virtual ~VoiceModel() = default;
  virtual int sample_rate() const = 0;
  virtual std::string content_encoder() const = 0;  ///< name for load_content_encoder()
  /// [256] mean GE2E embedding of the training recordings, for evaluation; undefined: not known.
  virtual torch::Tensor speaker_embedding() const = 0;
  virtual ModelRequirements requirements() const { return {}; }
  virtual std::int64_t speakers() const { return 1; }
  /// How its streams cut the frames, for the SongPlan.
  virtual VoiceWindows windows(const SynthesisOptions&) const { return {}; }
  virtual std::unique_ptr<VoiceStream> start(const SynthesisOptions& options) const = 0;
  /// A whole song exactly as the model's original converts it, the noise included: samples at sample_rate(). Throws Error(usage) where
  /// there is no such original.
  virtual std::vector<float> convert_whole(const WholeSong& song) const;
};

/// Loads a bundle folder (voice.json + weights.safetensors) by the architecture its voice.json names, or a voice of another program from
/// its own file (voice_file.h). Throws Error(not_found | bad_model).
std::shared_ptr<const VoiceModel> load_voice_model(const std::string& path, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv
