#include "core/log.h"

#include <mutex>

namespace voxconv {
namespace {
std::mutex log_mutex;
LogFn log_callback;
}  // namespace

void set_log_callback(LogFn fn) {
  std::lock_guard lock(log_mutex);
  log_callback = std::move(fn);
}

void log_message(LogLevel level, const std::string& text) {
  std::lock_guard lock(log_mutex);
  if (log_callback) log_callback(level, text);
}

}  // namespace voxconv
