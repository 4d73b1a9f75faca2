#pragma once
#include <vector>

#include "models/rvc/layers.h"
#include "models/rvc/synthesizer.h"
#include "nn/conv.h"

namespace voxconv::rvc {

/// The tensors of a text encoder.
struct TextEncoderWeights {
  struct Layer {
    Affine query, key, value, out;                 ///< [hidden, hidden, 1]
    torch::Tensor relative_keys, relative_values;  ///< [1, 2 * window + 1, hidden / heads]
    Affine norm1, norm2;                           ///< [hidden]
    Affine expand, contract;                       ///< [filter, hidden, kernel], [hidden, filter, kernel]
  };
  Affine content;       ///< [hidden, content_dim]
  torch::Tensor pitch;  ///< [256, hidden]; undefined for models without
  std::vector<Layer> layers;
  Affine out;  ///< [2 * inter, hidden, 1]
};

/// Takes the tensors "enc_p.*".
TextEncoderWeights read_text_encoder(const Config& config, nn::TensorReader& reader);

/// VITS's text encoder as RVC has it: content and coarse pitch in, mean and log deviation of the latent frames out. Post-norm transformer
/// with relative position embeddings of up to 10 frames (Shaw et al. 2018, learned keys and values, shared by the heads) and whose
/// feed-forward layers are convolutions. Relative positions are computed within their band only and the attention goes through the queries
/// in blocks: memory grows with T, not with its square. float32.
class TextEncoder {
 public:
  TextEncoder(const Config& config, const TextEncoderWeights& weights, torch::Device device);

  /// `content` [T, content_dim], `pitch` [T] 0..255 or undefined for models without.
  Prior operator()(const torch::Tensor& content, const torch::Tensor& pitch) const;

 private:
  struct Layer {
    nn::PackedConv qkv, out, expand, contract;
    torch::Tensor relative_keys, relative_values;  ///< [2 * window + 1, channels of a head]; the keys transposed
    Affine norm1, norm2;
  };
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x) const;

  std::int64_t hidden_, inter_, heads_;
  nn::PackedConv content_, out_;
  torch::Tensor pitch_;  ///< [256, hidden]; undefined without
  std::vector<Layer> layers_;
};

}  // namespace voxconv::rvc
