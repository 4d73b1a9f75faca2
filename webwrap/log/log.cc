#include "log/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "domain/printable.h"

namespace webwrap {
namespace {

const char* name_of(Level level) {
  switch (level) {
    case Level::info: return "info";
    case Level::warning: return "warning";
    default: return "error";
  }
}

constexpr auto replace_broken_utf8 = nlohmann::json::error_handler_t::replace;

std::string text_line(Level level, const std::string& event, const nlohmann::json& fields, std::time_t now) {
  std::string line =
      fmt::format("{:%H:%M:%S} {}{}", fmt::localtime(now), level == Level::info ? "" : fmt::format("{}: ", name_of(level)), event);
  for (const auto& [key, value] : fields.items())
    line += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, replace_broken_utf8));
  return printable(line, "  ") + '\n';  // what clients send must not draw on the terminal
}

}  // namespace

void log(Level level, const std::string& event, const nlohmann::json& fields) {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto now = std::chrono::system_clock::now();
  std::string line;
  if (terminal) {
    line = text_line(level, event, fields, std::chrono::system_clock::to_time_t(now));
  } else {
    const double time = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() / 1000.0;
    nlohmann::ordered_json entry = {{"time", time}, {"level", name_of(level)}, {"pid", ::getpid()}, {"event", event}};
    for (const auto& [key, value] : fields.items()) entry[key] = value;
    line = entry.dump(-1, ' ', false, replace_broken_utf8) + '\n';
  }
  // One write: lines of several threads and processes do not mix.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void log(Level level, const std::string& event) { log(level, event, nlohmann::json::object()); }

}  // namespace webwrap
