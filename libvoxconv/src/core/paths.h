#pragma once
#include <string>

namespace voxconv {

/// The folder with the shipped weights: $VOXCONV_MODELS, else <prefix>/share/voxconv/models of the installation this library lies in, else
/// the source tree's models/.
std::string models_dir();

/// `relative` below models_dir(), e.g. "pitch/fcpe/weights.safetensors". Throws Error(not_found) that says how to get it.
std::string model_file(const std::string& relative);

/// The user's voices: $VOXCONV_VOICES, else $XDG_DATA_HOME/voxconv/voices, else ~/.local/share/voxconv/voices.
std::string user_voices_dir();

}  // namespace voxconv
