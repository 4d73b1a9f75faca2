#pragma once
#include "nn/torch.h"

namespace voxconv::train {

/// Judges whether audio was recorded or rendered, by its log-magnitude spectrograms at several resolutions (Jang et al. 2021, UnivNet);
/// kept narrow, so that a CPU can train against it.
class AudioDiscriminatorImpl : public torch::nn::Module {
 public:
  struct Judgement {
    torch::Tensor scores;                 ///< [B, patches of all resolutions]
    std::vector<torch::Tensor> features;  ///< what the layers saw
  };

  AudioDiscriminatorImpl();
  /// audio [B, N], N at least a few thousand samples.
  Judgement forward(const torch::Tensor& audio);

 private:
  torch::nn::ModuleList stacks_{nullptr};  ///< one per resolution
};
TORCH_MODULE(AudioDiscriminator);

/// How far the features of rendered audio lie from those of the recording, relative to their size (Larsen et al. 2016).
torch::Tensor feature_loss(const std::vector<torch::Tensor>& real, const std::vector<torch::Tensor>& fake);

}  // namespace voxconv::train
