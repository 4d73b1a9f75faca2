#pragma once
#include <string>

#include "nn/state_dict.h"

namespace voxconv::nn {

/// Weight norm (Salimans & Kingma 2016): weight = g * v / |v|, the norm over all dimensions but one. Which one shows in the shape of g: the
/// one where it is not 1; [1, 1, ...]: over everything.
torch::Tensor fuse_weight_norm(const torch::Tensor& g, const torch::Tensor& v);

/// Replaces every pair "<name>_g", "<name>_v" and "<module>.parametrizations.<name>.original0", "...original1" by the fused "<name>", in
/// float32; tensors without weight norm stay as they are. Throws Error(bad_model) for half a pair or shapes that do not belong together.
StateDict fuse_weight_norms(const StateDict& tensors);

/// The way back for dimension 0: adds "<name>_g" and "<name>_v" (= the weight itself, in its own type) in place of "<name>".
void split_weight_norm(StateDict& tensors, const std::string& name);

}  // namespace voxconv::nn
