#pragma once
#include "nn/torch.h"

namespace voxconv {

/// Level of the steady background of each frame, as rms_loudness() counts, [T]: the quiet tenth of the frames at least 0.15 s from any
/// pitch, among those within three seconds, or of all where there are less than 0.3 s of them. -infinity where that is less, too: a passage
/// without pauses shows no background. `loudness` [T] as rms_loudness() gives it, `f0` [T] in Hz, 0 = unvoiced.
torch::Tensor background_loudness(const torch::Tensor& loudness, const torch::Tensor& f0);

/// `loudness` with the background lowered by up to `db`, which a voice model would else make whispering of. In pauses what rises above
/// the background for a tenth of a second or more is a breath or a consonant and stays: from 8 dB on wholly, below 4 dB not at all. Between
/// words, where nothing has a pitch, the rule of spectral subtraction (Boll 1979) is applied to the level, with at most 10 dB. Frames with
/// a pitch stay as they are, and borders are faded.
torch::Tensor lower_background(const torch::Tensor& loudness, const torch::Tensor& f0, double db);

}  // namespace voxconv
