#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "audio/resampler.h"
#include "models/rvc/formant_clock.h"
#include "models/rvc/frame_buffer.h"
#include "models/rvc/prior_stream.h"
#include "models/rvc/synthesizer.h"
#include "models/voice_model.h"

namespace voxconv::rvc {

/// Converts a song with a synthesizer in bounded memory: the text encoder in overlapping windows, flow and decoder with all the context of
/// their convolutions, everything at fixed places, so that the samples do not depend on the cut of the pushes.
class RvcStream final : public VoiceStream {
 public:
  /// Throws Error(usage) for a speaker that is not there.
  RvcStream(std::shared_ptr<const Synthesizer> synthesizer, const SynthesisOptions& options);

  std::vector<float> push(const FeatureFrames& frames, bool last) override;

  /// How a stream of the synthesizer with a formant shift in semitones cuts the frames.
  static VoiceWindows windows(const Synthesizer& synthesizer, double formant);

 private:
  void append(const torch::Tensor& content, const torch::Tensor& f0);
  void flow(const Prior& prior, bool last);
  torch::Tensor decode(bool last);
  void extend_excitation(std::int64_t until, bool last);
  void emit(const torch::Tensor& audio, bool last, std::vector<float>& out);

  std::shared_ptr<const Synthesizer> synthesizer_;
  std::uint64_t seed_;
  torch::Tensor speaker_;
  std::int64_t hop_;
  FormantClock clock_;
  PriorStream priors_;
  FrameBuffer f0_{0};          ///< the song's pitch, for the excitation; like that on the CPU
  FrameBuffer drawn_{1};       ///< frames drawn from the prior
  FrameBuffer latent_{1};      ///< the flow's output; the next frame to flow is its end
  FrameBuffer excitation_{0};  ///< in samples of the decoder
  Decoder::Phase phase_;
  std::int64_t decoded_ = 0;  ///< frames of the decoder
  std::optional<StreamResampler> resampler_;
  std::int64_t frames_ = 0, samples_ = 0;  ///< pushed, returned
};

}  // namespace voxconv::rvc
