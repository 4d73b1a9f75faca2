#include "core/log.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "core/caller.h"
#include "core/told_once.h"

namespace voxconv {
namespace {

struct LogCallback {
  LogFn fn;
  int calls = 0;  ///< in flight
};

std::mutex log_mutex;
std::condition_variable log_idle;
std::shared_ptr<LogCallback> log_callback;
thread_local int calls_of_this_thread = 0;
thread_local int told_once_scopes = 0;
thread_local std::set<std::pair<LogLevel, std::string>> told;  // by this thread, while there are such scopes

/// One call of a callback, as long as it lives.
class LogCall {
 public:
  LogCall() {
    const std::lock_guard lock(log_mutex);
    callback_ = log_callback;
    if (!callback_) return;
    ++callback_->calls;
    ++calls_of_this_thread;
  }
  ~LogCall() {
    if (!callback_) return;
    --calls_of_this_thread;
    const std::lock_guard lock(log_mutex);
    if (--callback_->calls == 0) log_idle.notify_all();
  }
  LogCall(const LogCall&) = delete;
  LogCall& operator=(const LogCall&) = delete;

  const LogFn* fn() const { return callback_ ? &callback_->fn : nullptr; }

 private:
  std::shared_ptr<LogCallback> callback_;
};

}  // namespace

void set_log_callback(LogFn fn) {
  std::shared_ptr<LogCallback> callback(fn ? new LogCallback{std::move(fn)} : nullptr);
  std::unique_lock lock(log_mutex);
  log_callback.swap(callback);
  // The old one may use what its owner is about to destroy. Within a call, waiting for others could be waiting for one another.
  if (callback && calls_of_this_thread == 0) log_idle.wait(lock, [&] { return callback->calls == 0; });
}

ToldOnce::ToldOnce() { ++told_once_scopes; }

ToldOnce::~ToldOnce() {
  if (--told_once_scopes == 0) told.clear();
}

void log_message(LogLevel level, const std::string& text) {
  if (told_once_scopes > 0 && !told.emplace(level, text).second) return;
  const LogCall call;
  // Without the lock: a callback may log itself, or wait for a thread that does.
  if (call.fn()) call_caller([&] { (*call.fn())(level, text); });
}

}  // namespace voxconv
