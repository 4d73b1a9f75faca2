#pragma once
#include <cstdint>

#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// Finds what has a clear pitch but gets none from an f0 estimator, because it lies beyond the estimator's range: whistling and flageolet,
/// the lowest notes of a bass. Such notes are synthesized as noise, which a user should be told. One instance per stream.
class MissedNotes {
 public:
  /// The next frames: 16 kHz audio [N] whose first sample lies at the first frame's centre, and the estimator's `hz` [T], both on the CPU.
  void add(const torch::Tensor& audio, const torch::Tensor& hz);
  /// Says it once, as a warning, where there is more than a moment of it. `range`: in which pitch was looked for.
  void warn(const F0Range& range) const;

  double seconds() const;
  double lowest_hz() const { return lowest_hz_; }  ///< of what was missed; 0: nothing
  double highest_hz() const { return highest_hz_; }

 private:
  std::int64_t count_ = 0;  ///< frames that were looked at and are missed
  double lowest_hz_ = 0, highest_hz_ = 0;
};

}  // namespace voxconv
