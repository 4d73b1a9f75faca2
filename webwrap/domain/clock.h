#pragma once
#include <chrono>
#include <cstdint>
#include <ctime>

namespace webwrap {

/// Seconds since 1970-01-01 UTC, for all times that people see or that outlive the machine's start; those of leases count from there.
using Seconds = std::int64_t;
inline constexpr Seconds hour = 3600, day = 24 * hour;

/// Where the time comes from, so that tests can move it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Seconds now() const = 0;
  /// Seconds since the machine's start, also while it slept: goes on evenly whatever the clock is set to. The same for all its processes.
  virtual Seconds up() const = 0;
};

/// The machine's own.
class SystemClock : public Clock {
 public:
  Seconds now() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  Seconds up() const override {
    timespec time = {};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
  }
};

}  // namespace webwrap
