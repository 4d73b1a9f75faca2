#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// FCPE's pitch classes: evenly spaced in cents.
struct FcpeClasses {
  static constexpr std::int64_t count = 360;
  static constexpr double lowest_hz = 32.7, highest_hz = 1975.5;
  static constexpr double reference_hz = 10;     ///< cents count from here
  static constexpr std::int64_t peak_reach = 4;  ///< classes either side that the pitch is the mean of

  static double cents(double hz) { return 1200 * std::log2(hz / reference_hz); }
  static double hz(double cents) { return reference_hz * std::exp2(cents / 1200); }
  static double step() { return (cents(highest_hz) - cents(lowest_hz)) / (count - 1); }
  static double cents_of(std::int64_t index) { return cents(lowest_hz) + double(index) * step(); }
  static std::int64_t nearest(double cents_value) {
    return std::clamp<std::int64_t>(std::llround((cents_value - cents(lowest_hz)) / step()), 0, count - 1);
  }
  /// Classes of a range: first <= index < second, at least one.
  static std::pair<std::int64_t, std::int64_t> within(const F0Range& range) {
    const std::int64_t low = nearest(cents(range.min_hz));
    return {low, std::max(nearest(cents(range.max_hz)), low) + 1};
  }
};

}  // namespace voxconv
