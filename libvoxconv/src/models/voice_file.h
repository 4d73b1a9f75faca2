#pragma once
#include <memory>
#include <string>

#include "models/voice_model.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Whether `path` is a file that could be a voice of another program: .pth, .pt, .ckpt or .safetensors.
bool is_voice_file(const std::string& path);

/// What is known of the voice in another program's file: its name is made from the file's; its range is not known. Throws
/// Error(not_found | bad_model).
VoiceInfo read_voice_file(const std::string& path);

/// Loads it without a bundle. Throws Error(not_found | bad_model).
std::shared_ptr<const VoiceModel> load_voice_file(const std::string& path, torch::Device device, torch::ScalarType precision);

/// Makes a bundle of it in `dir`, with its tensors as they are. `title`: instead of the file's, or empty. `index`: a retrieval index to go
/// with it, or empty. Throws Error(not_found | bad_model | io).
void voice_file_to_bundle(const std::string& path, const std::string& title, const std::string& index, const std::string& dir);

/// The way back, for a bundle of an architecture that has such files. Throws Error(usage | bad_model | io).
void bundle_to_voice_file(const std::string& bundle_dir, const std::string& path);

}  // namespace voxconv
