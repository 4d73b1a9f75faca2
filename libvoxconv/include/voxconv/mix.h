#pragma once
#include <vector>

#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace voxconv {

/// One sound of a mix; all begin together.
struct MixSource {
  AudioReader* reader = nullptr;
  double gain = 1;  ///< linear
};

/// Adds the sources, each brought to the given rate and channel count (several channels become one so that none cancels another and a voice
/// in one of them loses nothing, docs/conversion.md; any other change of the count takes that for every channel), keeps the true peak below
/// -1 dBTP, and finishes the writer, which was opened with that rate and channel count. As long as the longest source; bounded memory.
/// Progress is that of the first source. Returns the most that the limiter took off, in dB. Throws Error; the target then does not appear.
double mix(const std::vector<MixSource>& sources, AudioWriter& writer, int rate, int channels, const ProgressFn& on_progress = {},
           const CancelToken& cancel = {});

}  // namespace voxconv
