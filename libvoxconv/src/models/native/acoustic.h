#pragma once
#include "models/native/convnext.h"
#include "nn/safetensors.h"
#include "nn/torch.h"

namespace voxconv::native {

/// First stage: content, pitch, loudness and speaker -> the spectral envelope of the voice.
class AcousticModelImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t channels = 256, bottleneck = 128, blocks = 8, condition_dim = 64, variation_dim = 4;
  static constexpr std::int64_t reach = 2 + blocks * ConvNeXtImpl::reach;  ///< frames either side an output frame depends on

  AcousticModelImpl();

  /// content [B, T, content_dim], f0 [B, T] Hz (0 = unvoiced), loudness [B, T] ln(RMS), speaker [B, speaker_dim] unit vectors, variation
  /// [n B, T, variation_dim] white noise of variance 1: what makes one utterance differ from the next -> n draws of the envelope
  /// [n B, T, envelope_bins] as analyse_envelope() gives it. While training, noise on the bottleneck, the same in all draws, keeps the
  /// source's voice out.
  torch::Tensor forward(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness, const torch::Tensor& speaker,
                        const torch::Tensor& variation);

 private:
  torch::nn::LayerNorm content_norm_{nullptr}, output_norm_{nullptr};
  torch::nn::Linear squeeze_{nullptr}, prosody_{nullptr}, speaker_{nullptr}, variation_{nullptr}, output_{nullptr};
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
};
TORCH_MODULE(AcousticModel);

/// Reads the weights below "acoustic."; those of voices made before `variation` existed have none. Throws Error(bad_model).
void load_acoustic_model(AcousticModelImpl& model, const nn::Safetensors& file);

}  // namespace voxconv::native
