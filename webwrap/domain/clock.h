#pragma once
#include <chrono>
#include <cstdint>

namespace webwrap {

/// Seconds since 1970-01-01 UTC. All times in the service.
using Seconds = std::int64_t;

/// Where the time comes from, so that tests can move it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Seconds now() const = 0;
};

/// The machine's own.
class SystemClock : public Clock {
 public:
  Seconds now() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
};

}  // namespace webwrap
