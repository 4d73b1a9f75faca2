#pragma once
#include <nlohmann/json.hpp>

#include "models/bundle.h"
#include "models/voice_model.h"

namespace voxconv::native {

/// What a native bundle's voice.json says below "model": revision, content encoder, vocoder.
nlohmann::json bundle_settings();

/// A voice of this architecture. Throws Error(bad_model | not_found).
std::shared_ptr<const VoiceModel> load_native_voice(const Bundle& bundle, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv::native
