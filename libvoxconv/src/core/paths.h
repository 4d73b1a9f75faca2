#pragma once
#include <optional>
#include <string>

namespace voxconv {

/// The folder with the shipped weights: $VOXCONV_MODELS, else <prefix>/share/voxconv/models of the installation this library lies in, else
/// the source tree's models/.
std::string models_dir();

/// `relative` below models_dir(), else below user_models_dir(), e.g. "pitch/fcpe/weights.safetensors".
std::optional<std::string> find_model_file(const std::string& relative);

/// The same; throws Error(not_found) that says how to get it.
std::string model_file(const std::string& relative);

/// Weights that do not ship: $XDG_DATA_HOME/voxconv/models, else ~/.local/share/voxconv/models.
std::string user_models_dir();

/// The user's voices: $VOXCONV_VOICES, else $XDG_DATA_HOME/voxconv/voices, else ~/.local/share/voxconv/voices.
std::string user_voices_dir();

}  // namespace voxconv
