#pragma once
#include "nn/torch.h"

namespace voxconv {

/// The GE2E speaker encoder of Resemblyzer (Wan et al., 2018): what SECS is measured with, and what voices start from.
class SpeakerEncoder {
 public:
  /// Loads models/speaker/ge2e. Throws Error(not_found | bad_model).
  explicit SpeakerEncoder(torch::Device device = torch::kCPU);
  /// 16 kHz audio [N] -> unit vector [256], as Resemblyzer's embed_utterance (level normalisation and silence trimming included).
  torch::Tensor embed(const torch::Tensor& audio) const;

 private:
  struct Weights;
  std::shared_ptr<const Weights> weights_;
};

}  // namespace voxconv
