#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "nn/torch.h"
#include "voxconv/voice.h"

namespace voxconv {

/// A voice bundle as it lies on disk: a folder with voice.json and weights.safetensors (docs/voice-bundles.md).
struct Bundle {
  VoiceInfo info;
  nlohmann::json model;  ///< the architecture's own settings
  std::string weights_path;
};

/// Whether a voice may have this name: lower-case letters, digits, '-' and '_', at most 64. Safe as a folder's name.
bool is_voice_name(const std::string& name);

/// Reads and checks voice.json; the weights are not opened. Throws Error(not_found | bad_model).
Bundle read_bundle(const std::string& dir);

/// Compares the weights with the sha256 in voice.json. Throws Error(bad_model) where they are missing, changed or damaged.
void check_weights(const Bundle& bundle);

/// Writes a bundle into `dir` (made if need be): the weights first, then voice.json with their sha256, each atomically; `info.path` and
/// `info.sha256` are ignored. Throws Error(io).
void write_bundle(const std::string& dir, VoiceInfo info, const nlohmann::json& model, const std::map<std::string, torch::Tensor>& tensors);

}  // namespace voxconv
