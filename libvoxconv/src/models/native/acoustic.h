#pragma once
#include "models/native/config.h"
#include "models/native/convnext.h"
#include "nn/safetensors.h"
#include "nn/torch.h"

namespace voxconv::native {

/// First stage: content, pitch, loudness and speaker -> the spectral envelope of the voice.
class AcousticModelImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t channels = 256, blocks = 8, condition_dim = 64;
  static constexpr std::int64_t reach = 2 + blocks * ConvNeXtImpl::reach;  ///< frames either side an output frame depends on

  /// `content_channels` of the content encoder's content_dim are used: a fixed random choice of them, or all.
  explicit AcousticModelImpl(std::int64_t content_channels = content_dim);

  std::int64_t content_channels() const { return content_channels_; }

  /// content [B, T, content_dim], f0 [B, T] Hz (0 = unvoiced), loudness [B, T] ln(RMS), speaker [B, speaker_dim] unit vectors -> the
  /// envelope [B, T, envelope_bins] as analyse_envelope() gives it. While training there is noise on the content.
  torch::Tensor forward(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness, const torch::Tensor& speaker);

 private:
  std::int64_t content_channels_;
  torch::nn::LayerNorm content_norm_{nullptr}, output_norm_{nullptr};
  torch::nn::Linear squeeze_{nullptr}, prosody_{nullptr}, speaker_{nullptr}, output_{nullptr};
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
};
TORCH_MODULE(AcousticModel);

/// A model with the weights below "acoustic." and their number of content channels (some voices made before December 2026 have 128 of
/// them). Throws Error(bad_model).
AcousticModel load_acoustic_model(const nn::Safetensors& file);

}  // namespace voxconv::native
