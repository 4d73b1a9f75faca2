#pragma once
#include <cmath>
#include <memory>
#include <vector>

#include "convert/voice_impl.h"

namespace voxconv {

class NoContent : public ContentEncoder {
 public:
  std::int64_t dim() const override { return 1; }
  torch::Tensor encode(const torch::Tensor& audio) const override { return torch::zeros({frame_count(audio.size(0)), 1}); }
};

inline constexpr int voice_rate = 44100, voice_hop = voice_rate / frame_rate;

/// Sings a sine at f0, as loud as the frames say.
class SineStream : public VoiceStream {
 public:
  std::vector<float> push(const FeatureFrames& frames, bool) override {
    std::vector<float> out;
    for (std::int64_t t = 0; t < frames.size(); ++t) {
      const double hz = frames.f0[t].item<float>(), amplitude = std::sqrt(2) * std::exp(frames.loudness[t].item<float>());
      for (int i = 0; i < voice_hop; ++i) {
        out.push_back(float(hz > 0 ? amplitude * std::sin(phase_) : 0));
        phase_ += 2 * M_PI * hz / voice_rate;
      }
    }
    return out;
  }

 private:
  double phase_ = 0;
};

class SineVoice : public VoiceModel {
 public:
  int sample_rate() const override { return voice_rate; }
  std::string content_encoder() const override { return "none"; }
  torch::Tensor speaker_embedding() const override { return torch::zeros(256); }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<SineStream>(); }
};

/// A voice without weights, for tests of what is around it.
inline Voice sine_voice() {
  auto impl = std::make_shared<Voice::Impl>();
  impl->info.name = "sine";
  impl->info.f0_low = 100;
  impl->info.f0_median = 140;
  impl->info.f0_high = 200;
  impl->model = std::make_shared<SineVoice>();
  impl->content = std::make_shared<NoContent>();
  return Voice(std::move(impl));
}

}  // namespace voxconv
