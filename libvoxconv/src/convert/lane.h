#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "audio/resampler.h"
#include "convert/feature_stream.h"
#include "convert/ingredients.h"
#include "convert/loudness_follower.h"
#include "convert/pitch_bridge.h"
#include "convert/voice_impl.h"
#include "features/analysis_audio.h"
#include "features/rms_mix.h"
#include "voxconv/options.h"

namespace voxconv {

constexpr float silent_peak = 1e-5f;  ///< -100 dBFS: a result below it is silence

/// One channel on its way from the source to the voice: everything that has a state, in order. What lies around the voice is what its
/// Treatment asks for.
class Lane {
 public:
  /// The first three arguments must outlive the lane. `key` in semitones.
  Lane(const Voice::Impl& voice, const Ingredients& with, const ConvertOptions& options, double key, int source_rate, int result_rate,
       std::uint64_t seed);

  /// The next samples of the source; returns the converted samples that are now certain, at result_rate.
  std::vector<float> push(const AudioBuffer& audio);
  std::vector<float> finish();

  std::int64_t frames() const { return frames_; }
  std::int64_t voiced() const { return voiced_; }
  bool silent() const { return silent_; }  ///< whether the voice gave nothing but silence so far

 private:
  FeatureFrames hear(const std::vector<float>& audio, bool last);
  std::vector<float> sing(FeatureFrames frames, bool last);
  std::vector<float> voice_audio(const FeatureFrames& frames, bool last);
  std::vector<float> level(const torch::Tensor& loudness, const std::vector<float>& audio, bool last);

  const ConvertOptions& options_;
  const Ingredients& with_;
  const Voice::Impl& voice_;
  const Treatment treatment_;
  const double key_;
  AnalysisAudio analysis_;
  FeatureStream features_;
  std::optional<PitchBridge> bridge_;
  std::unique_ptr<VoiceStream> stream_;
  LoudnessFollower follower_;
  std::optional<StreamRmsMix> rms_mix_;
  StreamResampler up_;
  std::int64_t frames_ = 0, voiced_ = 0;
  bool silent_ = true;
};

}  // namespace voxconv
