#include "core/log.h"

#include <memory>
#include <mutex>

namespace voxconv {
namespace {
std::mutex log_mutex;
std::shared_ptr<const LogFn> log_callback;
}  // namespace

void set_log_callback(LogFn fn) {
  auto callback = fn ? std::make_shared<const LogFn>(std::move(fn)) : nullptr;
  const std::lock_guard lock(log_mutex);
  log_callback.swap(callback);
}

void log_message(LogLevel level, const std::string& text) {
  std::shared_ptr<const LogFn> callback;
  {
    const std::lock_guard lock(log_mutex);
    callback = log_callback;
  }
  // Without the lock: a callback may log itself, or wait for a thread that does.
  if (callback) (*callback)(level, text);
}

}  // namespace voxconv
