#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "api/handlers.h"
#include "api/jobs.h"
#include "api/own_voices.h"
#include "domain/limits.h"
#include "voxconv/f0.h"
#include "voxconv/options.h"
#include "voxconv/video.h"

namespace webwrap {

extern const char openapi_text[];  // openapi.json, embedded by CMake

namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

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

std::string process_text() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return fmt::format("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}\n", resident * ::sysconf(_SC_PAGESIZE));
}

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

/// Ranges and defaults of the options that clients may set, from the library's table.
json option_ranges() {
  const json defaults = json::parse(voxconv::ConvertOptions().to_json());
  json ranges = json::object();
  for (const voxconv::OptionSpec& spec : voxconv::convert_option_table()) {
    if (is_server_side(spec)) continue;
    const std::string name(spec.name);
    json& range = ranges[name] = {{"default", defaults.at(name)}};
    const bool is_number = spec.kind == voxconv::OptionSpec::Kind::number, is_integer = spec.kind == voxconv::OptionSpec::Kind::integer;
    if (is_number) range.update({{"minimum", spec.low}, {"maximum", spec.high}});
    if (is_integer)
      range.update({{"minimum", std::uint64_t(spec.low)}, {"maximum", spec.high > spec.low ? std::uint64_t(spec.high) : UINT64_MAX}});
  }
  return ranges;
}

Response get_config(const Context& context, const Request&) {
  const Config& config = context.config;
  json packs = json::array();
  for (const Pack& pack : config.packs)
    packs.push_back({{"id", pack.id}, {"title", pack.title}, {"credits", pack.credits}, {"amount", pack.amount}});
  return json_response(
      200, {{"credits_per_minute", config.credits_per_minute},
            {"separation_credits_per_minute", config.separation_credits_per_minute},
            {"free_credits", config.free_credits},
            {"preview_s", config.preview_s},
            {"max_upload_bytes", config.max_upload_bytes},
            {"guest_max_upload_bytes", config.guest_max_upload_bytes()},
            {"max_duration_s", config.max_duration_s},
            {"shop", context.payments.configured()},
            {"currency", config.currency},
            {"packs", packs},
            {"contact", config.contact},
            {"own_voices", own_voice_config(config)},
            {"videos", !voxconv::video_encoder().empty()},
            {"options", option_ranges()},
            {"limits", {{"level_db", {{"minimum", lowest_level_db}, {"maximum", highest_level_db}}}, {"artist_links", max_artist_links}}},
            {"public_url", config.public_url.empty() ? json() : json(config.base_url())}});
}

/// The description, in which only those estimators of the pitch stand that this machine has.
Response get_openapi(const Context&, const Request&) {
  auto description = nlohmann::ordered_json::parse(openapi_text);
  description.at("/components/schemas/ConvertOptions/properties/f0/enum"_json_pointer) = voxconv::installed_f0_estimators();
  Response response;
  response.body = description.dump();
  response.headers.emplace_back("Cache-Control", "public, max-age=300");
  return response;
}

struct Queue {
  int queued = 0, running = 0;
  std::size_t voices = 0;  ///< members' voices that wait for an operator
};

Queue read_queue(const Context& context) {
  Queue queue;
  context.store.read([&](Transaction& transaction) {
    queue.queued = transaction.jobs().queued_count();
    queue.running = transaction.jobs().running_count();
    queue.voices = transaction.voices().in_state(OwnVoice::State::review).size() + transaction.voices().consents_to_review().size();
  });
  return queue;
}

/// 200 when the database answers and there is room for new audio; else whoever watches the service must do something.
Response get_health(const Context& context) {
  read_queue(context);
  if (context.disk.is_full()) return json_response(503, {{"status", "disk_full"}});
  return json_response(200, {{"status", "ok"}});
}

Response get_metrics(const Context& context, const Metrics& metrics) {
  const Queue queue = read_queue(context);
  Response response;
  response.type = "text/plain; version=0.0.4";
  response.body = metrics.text() + fmt::format(
                                       "# TYPE webwrap_jobs gauge\nwebwrap_jobs{{state=\"queued\"}} {}\n"
                                       "webwrap_jobs{{state=\"running\"}} {}\n"
                                       "# TYPE webwrap_voices_waiting gauge\nwebwrap_voices_waiting {}\n"
                                       "# TYPE webwrap_disk_free_bytes gauge\nwebwrap_disk_free_bytes {}\n",
                                       queue.queued, queue.running, queue.voices, context.disk.free());
  return response;
}

}  // namespace

void add_operation_routes(http::Router& router, Context& context) {
  const auto metrics = std::make_shared<Metrics>();
  router.observe(
      [metrics](Method method, const std::string& route, int status, double seconds) { metrics->count(method, route, status, seconds); });
  router.add(Method::get, "/healthz", [&context](const Request&) { return get_health(context); });
  router.add(Method::get, "/metrics", [&context, metrics](const Request&) { return get_metrics(context, *metrics); });
  add_route(router, context, Method::get, "/config", get_config);
  add_route(router, context, Method::get, "/openapi.json", get_openapi);
}

}  // namespace webwrap
