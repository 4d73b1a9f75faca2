#pragma once
#include <string>
#include <vector>

#include "nn/state_dict.h"

namespace voxconv::eval {

/// The decoder of OpenAI's Whisper (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022): embeddings of
/// tokens and positions, pre-norm transformer layers with self- and cross-attention, the embeddings once more as output. Weights are const:
/// one instance may be used from several threads.
class WhisperDecoder {
 public:
  /// Takes the tensors below "decoder/" as CTranslate2 names them; of "encoder/" there may be more. `source` is named in errors. The
  /// tensors are copied, as float32. Throws Error(bad_model).
  WhisperDecoder(const nn::StateDict& tensors, const std::string& source, torch::Device device);

  std::int64_t dim() const { return embeddings_.size(1); }
  std::int64_t vocabulary() const { return embeddings_.size(0); }
  std::int64_t most_tokens() const { return positions_.size(0); }

  /// What the decoding of one sound carries from token to token.
  class State {
    friend class WhisperDecoder;
    struct Memory {
      torch::Tensor sound_keys, sound_values;  ///< [heads, T, head]
      torch::Tensor keys, values;              ///< [heads, tokens so far, head]
    };
    std::vector<Memory> layers_;
    std::int64_t length_ = 0;
  };

  /// Begins with what the encoder made of the sound, [T, dim].
  State begin(const torch::Tensor& encoded) const;
  /// Appends n tokens -> logits of what follows each of them, [n, vocabulary] float32 on the device. At most most_tokens() in all.
  torch::Tensor append(State& state, const std::vector<std::int64_t>& tokens) const;

 private:
  struct Affine {
    torch::Tensor weight, bias;
  };
  struct Layer {
    Affine self_norm, qkv, self_out, cross_norm, query, sound_kv, cross_out, ffn_norm, ffn_in, ffn_out;
  };
  torch::Tensor split_heads(const torch::Tensor& x) const;

  torch::Device device_;
  std::int64_t heads_ = 0;
  torch::Tensor embeddings_, positions_;
  std::vector<Layer> layers_;
  Affine final_norm_;
};

}  // namespace voxconv::eval
