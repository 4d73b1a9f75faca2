#pragma once
#include "convert/ingredients.h"
#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace voxconv {

/// The exact mode: all of `reader` (channels mixed) through VoiceModel::convert_whole(), which gives what the model's original gives. The
/// result at `rate`, on the 16-bit steps that RVC writes. Throws Error.
std::vector<float> convert_exactly(const Voice::Impl& voice, const Ingredients& with, const ConvertOptions& options, int rate,
                                   AudioReader& reader, const ProgressFn& on_progress, const CancelToken& cancel);

}  // namespace voxconv
