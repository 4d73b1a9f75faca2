#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace voxconv {

/// One report of a long call.
struct Progress {
  std::string stage;   ///< what is going on, e.g. "convert", "prepare", "train"
  double done = 0;     ///< in `unit`s
  double total = 0;    ///< 0: not known
  std::string unit;    ///< "s" of audio, "steps", "files"
  std::string detail;  ///< free text for people, e.g. "loss 0.812, 3.1 steps/s"
};

/// Called from the thread that runs the long call, a few times a second at most. May throw Error, or a type of its own, to stop it.
using ProgressFn = std::function<void(const Progress&)>;

/// Asks a long call to stop. Copies share one flag; cancel() is safe from any thread and from a signal handler.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void cancel() noexcept { flag_->store(true); }
  bool cancelled() const noexcept { return flag_->load(); }
  /// Throws Error(cancelled) once cancel() was called.
  void check() const;

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

enum class LogLevel { debug, info, warning, error };
using LogFn = std::function<void(LogLevel, const std::string&)>;

/// Where the library's messages go, from any of its threads at any time; without one they are dropped (it never prints). Thread-safe. Calls
/// of the last callback have ended when this returns, so hold no lock that it takes; called from within a callback it does not wait.
void set_log_callback(LogFn fn);

}  // namespace voxconv
