#pragma once
#include <map>
#include <string>

#include "nn/torch.h"

namespace voxconv::nn {

/// The tensors of a network by their name, wherever they were read from.
using StateDict = std::map<std::string, torch::Tensor>;

}  // namespace voxconv::nn
