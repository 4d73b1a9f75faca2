#pragma once
#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// Brings frames centred at each multiple of `hop` samples, all with a pitch, to `frames` frames of the 100 Hz clock. The pitch is
/// interpolated by a cubic through four voiced neighbours where they lie within a tone of each other, else by a straight line, and not
/// across jumps (there the nearer frame counts); the confidence by a straight line. Frames below `threshold` get 0 Hz.
F0Frames to_frame_clock(const F0Frames& coarse, std::int64_t hop, std::int64_t frames, double threshold);

}  // namespace voxconv
