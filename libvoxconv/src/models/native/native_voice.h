#pragma once
#include <nlohmann/json.hpp>

#include "models/architecture.h"
#include "models/native/acoustic.h"
#include "models/native/vocoder.h"

namespace voxconv::native {

/// Whose acoustic model a bundle uses: weights of its own; the shipped base, which is given the voice by its embedding alone; or the base
/// and what a fine-tuned voice differs from it (difference.h).
enum class Acoustic { own, base, difference };

/// What a native bundle's voice.json says below "model": revision, content encoder, vocoder, and the base with its sha256 where it uses
/// that.
nlohmann::json bundle_settings(Acoustic acoustic);

/// The file with a bundle's acoustic model, or with the base where the bundle uses that. Throws Error(not_found | bad_model), also where
/// a compact voice was made for another base.
std::string acoustic_weights(const Bundle& bundle);

/// A bundle's acoustic model. Throws Error(not_found | bad_model).
AcousticModel load_acoustic_model(const Bundle& bundle);

/// The shipped vocoder, for inference. Throws Error(bad_model | not_found).
Vocoder load_vocoder(torch::Device device);

/// voxconv's own architecture.
Architecture architecture();

/// A voice of it. Throws Error(bad_model | not_found).
std::shared_ptr<const VoiceModel> load_native_voice(const Bundle& bundle, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv::native
