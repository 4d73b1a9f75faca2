#pragma once
#include <vector>

#include "features/frames.h"

namespace voxconv {

struct VoiceActivityConfig {
  double floor_db = -60;      ///< full-scale RMS level below which nobody sings
  double over_noise_db = 10;  ///< unvoiced sound counts from this far above the quiet tenth of the frames
  double hold_s = 0.15;       ///< shorter pauses belong to the phrase; so does this much around it (breaths, consonants)
};

/// Where somebody speaks or sings, [T] bool: frames with a pitch and some level, and loud ones without (consonants, whispers), both widened
/// by hold_s. `loudness` as rms_loudness() gives it, `f0` in Hz; looks at all frames at once to know the noise.
torch::Tensor voice_activity(const torch::Tensor& loudness, const torch::Tensor& f0, const VoiceActivityConfig& config = {});

/// Level of what is heard where nobody sings, as rms_loudness() counts: that of the quiet tenth of the frames, but at most -40 dB, since a
/// passage without pauses has no noise to measure.
double noise_loudness(const torch::Tensor& loudness);

struct FrameSpan {
  std::int64_t begin, end;  ///< begin <= frame < end
};

/// The runs of true of voice_activity().
std::vector<FrameSpan> active_spans(const torch::Tensor& activity);

}  // namespace voxconv
