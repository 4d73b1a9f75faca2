#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/separation/separator.h"
#include "nn/checkpoint/checkpoint.h"

namespace voxconv {

/// A checkpoint that may be a separator's, and the file of settings that goes with it.
struct SeparatorFile {
  nn::Checkpoint checkpoint;
  nn::StateDict tensors;      ///< the network's, without what programs put around them: "state", "state_dict", "model_state_dict"
  std::string settings_path;  ///< the .yaml of its settings; empty: there is none

  const std::string& path() const { return checkpoint.path(); }
  /// What the settings say. Throws Error(not_found) that names the places where they may lie, and as read_yaml().
  nlohmann::json read_settings() const;
};

/// Everything that voxconv has to know about an architecture of separators. The folder of the architecture defines one, separator.cc lists
/// it; nothing else names an architecture.
struct SeparatorArchitecture {
  std::string_view name;  ///< of its folder and namespace
  const char* title;      ///< for people: "HTDemucs"
  /// By what is in the checkpoint; the settings are not given.
  bool (*recognise)(const SeparatorFile& file);
  /// Throws Error(bad_model | not_found), and nlohmann's exceptions where a setting is missing or of another type.
  std::shared_ptr<const SeparationModel> (*load)(const SeparatorFile& file, torch::Device device, torch::ScalarType precision);
};

/// All there are that people's files may be of, in a fixed order.
std::span<const SeparatorArchitecture> separator_architectures();

/// The one that `checkpoint` is of; null: none.
const SeparatorArchitecture* separator_architecture_of(const nn::Checkpoint& checkpoint);

}  // namespace voxconv
