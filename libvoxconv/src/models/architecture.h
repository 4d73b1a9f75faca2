#pragma once
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/bundle.h"
#include "models/voice_model.h"
#include "nn/checkpoint/checkpoint.h"
#include "voxconv/options.h"
#include "voxconv/weights.h"

namespace voxconv {

/// A voice in a file of the program that its architecture comes from, as data: what a bundle is made of.
struct CheckpointVoice {
  std::string title, author;     ///< as the file says, in whatever encoding; empty: it does not
  int sample_rate = 0;           ///< Hz
  nlohmann::json settings;       ///< "model" in voice.json
  nn::StateDict tensors;         ///< as stored
  std::int64_t content_dim = 0;  ///< numbers in a frame of its content encoder, and so of its retrieval index
};

/// A tensor that tells what a file holds, by the end of its name.
struct KnownTensor {
  const char* name;
  const char* title;  ///< of the model, for people
};

/// Files in which the program that an architecture comes from stores its voices.
struct CheckpointFormat {
  bool (*recognise)(const nn::Checkpoint& file, const nn::StateDict& tensors);
  /// Throws Error(bad_model).
  CheckpointVoice (*read)(const nn::Checkpoint& file);
  /// The voice itself, without a bundle. Throws Error(bad_model).
  std::shared_ptr<const VoiceModel> (*load)(const nn::Checkpoint& file, torch::Device device, torch::ScalarType precision);
  /// Writes a bundle of the architecture as such a file, atomically. Throws Error(bad_model | io).
  void (*write)(const Bundle& bundle, const std::string& path);
};

/// Everything that voxconv has to know about an architecture of voice models, but its training, which train/trainer.h adds. The folder of
/// the architecture defines one, registry.cc lists it; nothing else names an architecture (checked by scripts/check_layers).
struct Architecture {
  std::string_view name;  ///< "architecture" in voice.json; the name of its folder and namespace
  /// Throws Error(bad_model | not_found); nlohmann's exceptions where a setting is missing or of another type.
  std::shared_ptr<const VoiceModel> (*load)(const Bundle& bundle, torch::Device device, torch::ScalarType precision);
  /// What the settings of a voice ("model" in voice.json) say about it. Throws as load().
  ModelInfo (*describe)(const VoiceInfo& info, const nlohmann::json& settings);
  const CheckpointFormat* checkpoints = nullptr;       ///< null: it has no files but bundles
  std::span<const KnownTensor> known_tensors = {};     ///< of its files that are no voice, or of no use as one
  std::span<const OptionSpec> (*options)() = nullptr;  ///< rows of convert_option_table() that only its voices heed; null: none
};

/// All there are, in a fixed order.
std::span<const Architecture> architectures();

/// Null: this version does not know it.
const Architecture* find_architecture(std::string_view name);

}  // namespace voxconv
