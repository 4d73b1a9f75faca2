#pragma once
#include "models/native/convnext.h"
#include "nn/torch.h"

namespace voxconv::native {

/// First stage: what is sung, how high and how loud, by whom -> the spectral envelope of the voice.
class AcousticModelImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t channels = 256, bottleneck = 128, blocks = 8, condition_dim = 64;
  static constexpr std::int64_t reach = 2 + blocks * ConvNeXtImpl::reach;  ///< frames either side an output frame depends on

  AcousticModelImpl();

  /// content [B, T, content_dim], f0 [B, T] Hz (0 = unvoiced), loudness [B, T] ln(RMS), speaker [B, speaker_dim] unit vectors
  /// -> envelope [B, T, envelope_bins] as analyse_envelope() gives it. While training, noise on the bottleneck keeps the source's voice
  /// out.
  torch::Tensor forward(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness, const torch::Tensor& speaker);

 private:
  torch::nn::LayerNorm content_norm_{nullptr}, output_norm_{nullptr};
  torch::nn::Linear squeeze_{nullptr}, prosody_{nullptr}, speaker_{nullptr}, output_{nullptr};
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
};
TORCH_MODULE(AcousticModel);

}  // namespace voxconv::native
