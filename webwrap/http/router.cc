#include "http/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>

#include "domain/error.h"
#include "domain/id.h"
#include "http/response.h"
#include "log/log.h"

namespace webwrap::http {
namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

bool is_parameter(const std::string& part) { return part.size() > 2 && part.front() == '{' && part.back() == '}'; }
bool is_rest(const std::string& part) { return is_parameter(part) && part[part.size() - 2] == '*'; }

/// How a pattern's parts fit: one letter each, smaller for the more particular; nothing: they do not.
std::optional<std::string> fit(const std::vector<std::string>& pattern, const std::vector<std::string>& parts) {
  std::string kinds;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) return i <= parts.size() ? std::optional(kinds + 'c') : std::nullopt;
    if (i >= parts.size()) return std::nullopt;
    if (is_parameter(pattern[i])) {
      if (parts[i].empty()) return std::nullopt;
      kinds += 'b';
    } else {
      if (pattern[i] != parts[i]) return std::nullopt;
      kinds += 'a';
    }
  }
  if (pattern.size() != parts.size()) return std::nullopt;
  return kinds;
}

std::map<std::string, std::string> parameters_of(const std::vector<std::string>& pattern, const std::vector<std::string>& parts) {
  std::map<std::string, std::string> params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) {
      std::string rest;
      for (std::size_t j = i; j < parts.size(); ++j) rest += (j == i ? "" : "/") + parts[j];
      params[pattern[i].substr(1, pattern[i].size() - 3)] = rest;
    } else if (is_parameter(pattern[i])) {
      params[pattern[i].substr(1, pattern[i].size() - 2)] = parts[i];
    }
  }
  return params;
}

bool wants_page(const Request& request) {
  return (request.method == Method::get || request.method == Method::head) && !request.path.starts_with("/api/") &&
         request.header("accept").find("text/html") != std::string::npos;
}

}  // namespace

void Router::add(Method method, const std::string& pattern, Handler handler, std::size_t max_body) {
  entries_.push_back({method, pattern, split(pattern), std::move(handler), max_body});
}

const Router::Entry* Router::find(Method method, const std::vector<std::string>& parts) const {
  const Entry* best = nullptr;
  std::string best_kinds;
  for (const Entry& entry : entries_) {
    if (entry.method != method) continue;
    const auto kinds = fit(entry.parts, parts);
    if (kinds && (!best || *kinds < best_kinds)) best = &entry, best_kinds = *kinds;
  }
  return !best && method == Method::head ? find(Method::get, parts) : best;
}

Response Router::internal_error(const Request& request, const Entry& entry, const char* why) {
  const std::string id = new_id();
  log(Level::error, "request failed", {{"request", id}, {"method", name_of(request.method)}, {"route", entry.pattern}, {"error", why}});
  return problem(500, "internal", fmt::format("Something went wrong on our side. When asking for help, give this number: {}.", id));
}

Response Router::dispatch(Request& request, const Entry* entry, const std::vector<std::string>& parts) const {
  if (!entry) {
    std::string allowed;
    for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options})
      if (find(method, parts)) allowed += (allowed.empty() ? "" : ", ") + std::string(name_of(method));
    if (allowed.empty()) {
      if (missing_page_ && wants_page(request)) {
        Response page = missing_page_(request);
        page.status = 404;
        return page;
      }
      return problem(404, "not_found", "There is nothing at this address.");
    }
    Response response =
        problem(405, "method_not_allowed", fmt::format("This address does not take {}; it takes {}.", name_of(request.method), allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  if (request.body.size() > entry->max_body)
    return problem(413, "too_large",
                   fmt::format("The request's body is larger than {} bytes, which this address takes at most.", entry->max_body));
  request.params = parameters_of(entry->parts, parts);
  try {
    return entry->handler(request);
  } catch (const ServiceError& error) {
    return problem(error.status(), error.code(), error.what());
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_space_on_device) return internal_error(request, *entry, error.what());
    log(Level::error, "disk full", {{"method", name_of(request.method)}, {"route", entry->pattern}});
    return problem(507, "disk_full", "The service has no room left; nothing was changed. Please try again later.");
  } catch (const std::exception& error) {
    return internal_error(request, *entry, error.what());
  }
}

Response Router::handle(Request& request) const {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> parts = split(request.path);
  const Entry* entry = find(request.method, parts);
  Response response = dispatch(request, entry, parts);
  add_security_headers(request.path, response);
  compress(request, response);
  if (request.method == Method::head && !response.file) {
    if (!response.find_header("Content-Length")) response.headers.emplace_back("Content-Length", std::to_string(response.body.size()));
    response.body.clear();
  }
  if (observer_) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    observer_(request.method, entry ? entry->pattern : "", response.status, took.count());
  }
  return response;
}

std::optional<std::size_t> Router::max_body(Method method, const std::string& path) const {
  const Entry* entry = find(method, split(path));
  return entry ? std::optional(entry->max_body) : std::nullopt;
}

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> all;
  for (const Entry& entry : entries_) all.push_back({entry.method, entry.pattern});
  return all;
}

}  // namespace webwrap::http
