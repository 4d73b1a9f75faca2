#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "http/message.h"

namespace webwrap {

/// Counts answers, and tells them in Prometheus' text format. Thread-safe.
class Metrics {
 public:
  void count(http::Method method, const std::string& route, int status, double seconds);
  /// All counters, and what /proc says of this process.
  std::string text() const;

 private:
  static constexpr std::array<double, 10> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};
  struct Histogram {
    std::array<std::uint64_t, bounds.size() + 1> counts = {};
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> answers_;  // method, route, status
  std::map<std::string, Histogram> times_;                                      // by route
};

}  // namespace webwrap
