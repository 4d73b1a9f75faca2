#pragma once
#include "models/architecture.h"
#include "models/rvc/synthesizer.h"

namespace voxconv::rvc {

/// A voice of `synthesizer`, which converts in windows of bounded size (docs/models/rvc.md).
std::shared_ptr<const VoiceModel> make_voice(std::shared_ptr<const Synthesizer> synthesizer);

/// RVC and its derivatives (Applio), versions 1 and 2.
Architecture architecture();

}  // namespace voxconv::rvc
