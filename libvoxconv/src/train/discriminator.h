#pragma once
#include "nn/torch.h"

namespace voxconv::train {

/// Judges patches of spectral envelopes: do they look sung, and by this speaker? A small 2-D convolutional network with a projection of the
/// speaker embedding (Miyato & Koyama 2018).
class DiscriminatorImpl : public torch::nn::Module {
 public:
  DiscriminatorImpl();
  /// envelope relative to the loudness [B, T, envelope_bins], speaker [B, speaker_dim] -> scores [B, patches].
  torch::Tensor forward(const torch::Tensor& envelope, const torch::Tensor& speaker);

 private:
  torch::nn::ModuleList layers_{nullptr};
  torch::nn::Conv2d score_{nullptr};
  torch::nn::Linear speaker_{nullptr};
};
TORCH_MODULE(Discriminator);

}  // namespace voxconv::train
