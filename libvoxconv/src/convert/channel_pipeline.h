#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "audio/resampler.h"
#include "convert/feature_stream.h"
#include "convert/loudness_follower.h"
#include "convert/voice_impl.h"
#include "features/analysis_audio.h"
#include "features/rms_mix.h"
#include "voxconv/options.h"

namespace voxconv {

constexpr float silent_peak = 1e-5f;  ///< -100 dBFS: a result below it is silence

/// bridge_gaps() of a stream: frames are held back until the gap they lie in has ended, but no more than ten seconds of them. Those that
/// are then given out go on with the pitch before the gap (at the start of a song, where there is none yet, without one).
class PitchBridge {
 public:
  static constexpr std::int64_t longest_gap = 10 * frame_rate;
  FeatureFrames push(const FeatureFrames& frames, bool last);  ///< the frames that are now certain

 private:
  FeatureFrames held_;
  float before_ = 0;  ///< pitch before the gap, 0: none yet
};

/// The plan for conversions with a voice.
SongPlan plan_conversion(const Voice::Impl& voice, const ConversionInputs& inputs, const ConvertOptions& options);

/// One channel from the source to the converted voice: everything that has a state, in order. What is done around the voice model follows
/// from its requirements.
class ChannelPipeline {
 public:
  /// All but the numbers must outlive the pipeline; `plan` was made for these inputs. `key` in semitones.
  ChannelPipeline(const Voice::Impl& voice, const ConversionInputs& inputs, const ConvertOptions& options, const SongPlan& plan, double key,
                  int source_rate, int result_rate, std::uint64_t seed);

  /// The next samples of the source; returns the converted samples that are now certain, at result_rate.
  std::vector<float> push(const AudioBuffer& audio);
  std::vector<float> finish();

  std::int64_t frames() const { return frames_; }
  std::int64_t voiced() const { return voiced_; }
  std::int64_t out_of_reach() const { return out_of_reach_; }  ///< voiced frames that the voice does not reach
  bool silent() const { return silent_; }                      ///< whether the voice gave nothing but silence so far
  const MissedNotes* missed() const { return features_.missed(); }

 private:
  FeatureFrames extract_features(const std::vector<float>& audio, bool last);
  std::vector<float> synthesize(FeatureFrames frames, bool last);
  void check_samples(const std::vector<float>& audio);
  std::vector<float> match_loudness(const torch::Tensor& loudness, const std::vector<float>& audio, bool last);

  const Voice::Impl& voice_;
  const ConversionInputs& inputs_;
  const ConvertOptions& options_;
  const ModelRequirements requirements_;
  const double key_;
  AnalysisAudio analysis_;
  FeatureStream features_;
  std::optional<PitchBridge> bridge_;
  std::unique_ptr<VoiceStream> stream_;
  LoudnessFollower follower_;
  std::optional<StreamRmsMix> rms_mix_;
  StreamResampler up_;
  std::int64_t frames_ = 0, voiced_ = 0, out_of_reach_ = 0;
  bool silent_ = true;
};

}  // namespace voxconv
