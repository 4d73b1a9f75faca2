#pragma once
#include <cstdint>
#include <memory>

#include "nn/torch.h"

namespace voxconv {

/// The GE2E speaker encoder of Resemblyzer (Wan et al., "Generalized end-to-end loss for speaker verification", 2018): what SECS is
/// measured with, and what voices start from. Weights are const: one instance may be used from several threads.
class SpeakerEncoder {
 public:
  static constexpr std::int64_t dim = 256;

  /// Loads models/speaker/ge2e. Throws Error(not_found | bad_model).
  explicit SpeakerEncoder(torch::Device device = torch::kCPU);

  /// 16 kHz audio [N] -> unit vector [256] float32 on the device, as Resemblyzer's embed_utterance of prepare()d audio: the same at any
  /// level of the audio. All zeros where there is nothing to hear. No gradient.
  torch::Tensor embed(const torch::Tensor& audio) const;

  /// The network alone: mel powers [B, T, 40] -> unit vectors [B, 256]. Gradients flow to `mels`.
  torch::Tensor embed_mels(const torch::Tensor& mels) const;

  /// 16 kHz audio [N] on the CPU: long silences taken out as in Resemblyzer, then what is left brought to -30 dBFS (RMS). Resemblyzer does
  /// that the other way round, and leaves louder audio as it is, so that the level becomes a part of the voice.
  static torch::Tensor prepare(const torch::Tensor& audio);

  /// Resemblyzer's mel powers of prepared audio [N] -> [N / 160 + 1, 40].
  torch::Tensor mel(const torch::Tensor& audio) const;

 private:
  struct Weights;
  std::shared_ptr<const Weights> weights_;
};

}  // namespace voxconv
