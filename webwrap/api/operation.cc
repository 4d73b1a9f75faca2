#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/json_views.h"
#include "api/metrics.h"
#include "api/routes.h"
#include "voxconv/f0.h"

namespace webwrap {

extern const char openapi_text[];  // openapi.json, embedded by CMake

namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

Response get_config(const Context& context, const Request&) {
  const Config& config = context.config;
  json packs = json::array();
  for (const Pack& pack : config.packs)
    packs.push_back({{"id", pack.id}, {"title", pack.title}, {"credits", pack.credits}, {"amount", pack.amount}});
  return json_response(200, {{"credits_per_minute", config.credits_per_minute},
                             {"free_credits", config.free_credits},
                             {"preview_s", config.preview_s},
                             {"max_upload_bytes", config.max_upload_bytes},
                             {"guest_max_upload_bytes", config.guest_max_upload_bytes()},
                             {"max_duration_s", config.max_duration_s},
                             {"shop", context.payments.configured()},
                             {"currency", config.currency},
                             {"packs", packs},
                             {"contact", config.contact},
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
};

Queue read_queue(const Context& context) {
  Queue queue;
  context.store.read([&](Transaction& transaction) {
    queue.queued = transaction.jobs().queued_count();
    queue.running = transaction.jobs().running_count();
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
                                       "# TYPE webwrap_disk_free_bytes gauge\nwebwrap_disk_free_bytes {}\n",
                                       queue.queued, queue.running, context.disk.free());
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
