#pragma once
#include "models/bundle.h"
#include "models/rvc/synthesizer.h"
#include "models/voice_model.h"

namespace voxconv::rvc {

/// A voice that sings with `synthesizer`, in windows of bounded size (docs/models/rvc.md).
std::shared_ptr<const VoiceModel> make_voice(std::shared_ptr<const Synthesizer> synthesizer);

/// The architecture "rvc" of a voice bundle. Throws Error(bad_model).
std::shared_ptr<const VoiceModel> load_rvc_voice(const Bundle& bundle, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv::rvc
