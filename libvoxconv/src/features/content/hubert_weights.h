#pragma once
#include <string>
#include <vector>

#include "nn/state_dict.h"

namespace voxconv {

/// The tensors of a HuBERT of the base kind (Hsu et al., "HuBERT: self-supervised speech representation learning by masked prediction of
/// hidden units", 2021; ContentVec, SPIN and the like share it), as they lie in the file; its sizes follow from their shapes.
struct HubertWeights {
  struct Affine {
    torch::Tensor weight, bias;
  };
  struct Layer {
    Affine query, key, value, attention_out, attention_norm, ffn_in, ffn_out, final_norm;
  };
  std::vector<torch::Tensor> convs;  ///< of the waveform, without bias: [C, 1, 10], then [C, C, taps]
  Affine conv_norm;                  ///< [C], after the first of them
  Affine feature_norm, feature_projection;
  Affine positions;  ///< [hidden, hidden / groups, taps], weight norm fused
  Affine encoder_norm;
  std::vector<Layer> layers;
  Affine final_projection;  ///< undefined where the file has none

  std::int64_t hidden() const { return feature_projection.weight.size(0); }
};

/// From the names of fairseq, or of Hugging Face with or without the prefix "hubert.". What only training needs is ignored; else strict.
/// `source` is the file, for the Error(bad_model).
HubertWeights read_hubert_weights(const nn::StateDict& tensors, const std::string& source);

}  // namespace voxconv
