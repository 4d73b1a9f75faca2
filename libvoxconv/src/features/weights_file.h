#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "nn/state_dict.h"

namespace voxconv {

/// The weights in a folder, in whichever layout they came: weights.safetensors, model.safetensors, pytorch_model.bin, else the first of
/// its .safetensors, .pt, .pth and .bin files by name.
std::optional<std::filesystem::path> find_weights(const std::filesystem::path& folder);

/// The tensors of a .safetensors file or of a torch checkpoint, in which they are the whole or below "model". Throws
/// Error(not_found | bad_model).
nn::StateDict read_weights(const std::string& path);

}  // namespace voxconv
