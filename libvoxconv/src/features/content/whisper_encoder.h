#pragma once
#include <vector>

#include "features/content/content_encoder.h"
#include "features/mel.h"
#include "nn/linear.h"
#include "nn/safetensors.h"

namespace voxconv {

/// The encoder of OpenAI's Whisper base (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022): two
/// convolutions over the log-mel, 6 pre-norm transformer layers of 8 heads, final layer norm; 50 frames a second, interpolated to 100.
/// Inputs shorter than 30 s use the beginning of the position table instead of being padded.
/// A third of the output's variance only tells the position in the window; encode() takes out the directions it lies in (position_basis),
/// so that the same words sound alike wherever a window cuts them (docs/content-encoders.md).
class WhisperEncoder : public ContentEncoder {
 public:
  /// `position_basis`: [K, dim] orthonormal directions.
  WhisperEncoder(const nn::Safetensors& weights, const torch::Tensor& position_basis, torch::Device device, torch::ScalarType precision);

  std::int64_t dim() const override { return conv1_.weight.size(0); }
  torch::Tensor encode(const torch::Tensor& audio) const override;
  /// 50 frames a second, position taken out: what encode() interpolates. Audio longer than 30 s is encoded in pieces of 30 s.
  torch::Tensor encode_frames(const torch::Tensor& audio) const override;

  /// Normalised log-mel [80, T] (T <= 3000) -> [(T + 1) / 2, dim] float32, at 50 frames a second: the network alone, positions included.
  torch::Tensor encode_mel(const torch::Tensor& mel) const;

 private:
  struct Affine {
    torch::Tensor weight, bias;
  };
  struct Layer {
    Affine attention_norm, ffn_norm;
    nn::PackedLinear qkv, attention_out, ffn_in, ffn_out;
  };
  torch::Tensor encode_window(const torch::Tensor& audio) const;
  torch::Tensor norm(const torch::Tensor& x, const Affine& affine) const;
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x) const;

  torch::Device device_;
  torch::ScalarType precision_;
  MelSpectrogram mel_;
  Affine conv1_, conv2_, final_norm_;
  torch::Tensor positions_, position_basis_;
  std::vector<Layer> layers_;
};

}  // namespace voxconv
