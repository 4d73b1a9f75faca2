#pragma once
#include <memory>

#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// f0 [T] Hz with a straight line over each gap (0), and before the first and after the last pitch with that one. Where nothing has a pitch
/// it stays so. What RVC does with unvoiced frames since 2026 (its profile "head").
torch::Tensor bridge_gaps(const torch::Tensor& f0);

/// The same of a part of a song: `before` is the pitch in front of its first frame (0: there is none), and frames after its last pitch stay
/// as they are, since what comes then is not known.
torch::Tensor bridge_inner_gaps(const torch::Tensor& f0, float before);

/// Median over `width` (odd) frames around each, zeros beyond the ends (scipy's medfilt). f0 [T] or [B, T].
torch::Tensor median_filter(const torch::Tensor& f0, std::int64_t width);

/// `estimator` with the median over `width` frames; itself for a width of 0 or 1.
std::shared_ptr<const F0Estimator> with_median(std::shared_ptr<const F0Estimator> estimator, std::int64_t width);

}  // namespace voxconv
