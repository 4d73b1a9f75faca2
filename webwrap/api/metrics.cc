#include "api/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace webwrap {
namespace {

std::string process_text() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return fmt::format("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}\n", resident * ::sysconf(_SC_PAGESIZE));
}

}  // namespace

void Metrics::count(http::Method method, const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++answers_[{http::name_of(method), route, status}];
  Histogram& histogram = times_[route];
  ++histogram.counts[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin())];
  histogram.sum += seconds;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out = "# TYPE webwrap_requests_total counter\n";
  for (const auto& [key, number] : answers_)
    out += fmt::format("webwrap_requests_total{{method=\"{}\",route=\"{}\",status=\"{}\"}} {}\n", std::get<0>(key), std::get<1>(key),
                       std::get<2>(key), number);
  out += "# TYPE webwrap_request_seconds histogram\n";
  for (const auto& [route, histogram] : times_) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      total += histogram.counts[i];
      const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
      out += fmt::format("webwrap_request_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n", route, bound, total);
    }
    out += fmt::format("webwrap_request_seconds_sum{{route=\"{0}\"}} {1}\nwebwrap_request_seconds_count{{route=\"{0}\"}} {2}\n", route,
                       histogram.sum, total);
  }
  return out + process_text();
}

}  // namespace webwrap
