#pragma once
#include <span>

#include "nn/torch.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {

/// Integrated loudness of mono 44.1 kHz audio [N] in LUFS (ITU-R BS.1770: K-weighting, blocks of 400 ms, gates at -70 LUFS and 10 below the
/// loudness of what is above that); NaN where nothing is.
double integrated_loudness(const torch::Tensor& audio);

/// What is heard where the source does not sing.
struct PauseLevels {
  double rest_db = undefined_figure;           ///< level of the result while the source rests, dBFS (RMS); -120 at the least
  double source_rest_db = undefined_figure;    ///< ... of the source
  double breath_change_db = undefined_figure;  ///< mean level of the source's breaths in the result less that in the source
};

/// `source` and `result` are 44.1 kHz audio [N]; the rest is the source's, at 100 frames a second: A-weighted loudness
/// (features/loudness.h) and pitch in Hz, above 0 where anything found one. A rest: 0.1 s and more that are over 45 dB below the loudest
/// frame, less 50 ms at either side. A breath: frames 15 to 45 dB below the loudest frame, 6 dB and more above the background
/// (background_loudness(), features/background.h), in gaps of 0.3 s and more between pitches (less 80 ms at either side), without a period
/// (strongest_period() below 0.5). A measure is undefined for fewer than 10 frames.
PauseLevels pause_levels(const torch::Tensor& source, const torch::Tensor& result, const torch::Tensor& loudness,
                         std::span<const float> pitch);

}  // namespace voxconv::eval
