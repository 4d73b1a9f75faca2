#pragma once
#include <string>

#include "nn/safetensors.h"
#include "nn/state_dict.h"
#include "nn/torch.h"

namespace voxconv::nn {

/// Copies every parameter and buffer of `module` from "<prefix><name>", converting the dtype. Strict: missing, extra (below the prefix) and
/// mis-shaped tensors are named in the Error(bad_model), with the `source` they should have come from.
void load_parameters(torch::nn::Module& module, const StateDict& tensors, const std::string& source, const std::string& prefix = "");
void load_parameters(torch::nn::Module& module, const Safetensors& file, const std::string& prefix = "");

/// Parameters and buffers by name, floating ones converted to `type`; what save_safetensors() takes.
std::map<std::string, torch::Tensor> named_tensors(const torch::nn::Module& module, const std::string& prefix = "",
                                                   torch::ScalarType type = torch::kFloat);

}  // namespace voxconv::nn
