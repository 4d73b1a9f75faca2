#pragma once
#include <cmath>
#include <cstdint>

namespace voxconv {

/// The pitch classes of CREPE, which RMVPE took over: evenly spaced in cents.
struct CrepeClasses {
  static constexpr std::int64_t count = 360;
  static constexpr double step = 20, first_cents = 1997.3794084376191;  ///< of class 0
  static constexpr double reference_hz = 10;                            ///< cents count from here
  static constexpr std::int64_t peak_reach = 4;                         ///< classes either side that the pitch is the mean of

  static double of(double hz) { return (1200 * std::log2(hz / reference_hz) - first_cents) / step; }
};

}  // namespace voxconv
