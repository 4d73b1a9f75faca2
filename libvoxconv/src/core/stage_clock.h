#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace voxconv {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the work of a conversion is divided into.
enum class Stage { read, content, f0, retrieval, synthesis, post };
constexpr std::size_t stage_count = 6;

/// Adds up the seconds that threads spend in each stage. Thread-safe. Where stages overlap, their sum is more than the time that passes.
class StageClock {
 public:
  double seconds(Stage stage) const { return 1e-9 * double(nanoseconds_[std::size_t(stage)].load()); }

  /// The clock of this thread's stages, if any: a stage deep in the library needs no parameter for it. A worker thread takes over that of
  /// the thread it works for.
  static StageClock*& of_this_thread() {
    thread_local StageClock* clock = nullptr;
    return clock;
  }

 private:
  friend class StageScope;
  std::array<std::atomic<std::int64_t>, stage_count> nanoseconds_{};
};

/// While it lives, the stages of this thread are counted by `clock`, which must outlive it.
class StageWatch {
 public:
  explicit StageWatch(StageClock* clock) : before_(std::exchange(StageClock::of_this_thread(), clock)) {}
  ~StageWatch() { StageClock::of_this_thread() = before_; }
  StageWatch(const StageWatch&) = delete;
  StageWatch& operator=(const StageWatch&) = delete;

 private:
  StageClock* before_;
};

/// While it lives, what its thread does belongs to a stage. A scope within another stops the outer one's clock: nothing counts twice.
/// Without a clock it only names the stage.
class StageScope {
 public:
  explicit StageScope(Stage stage) : stage_(stage), outer_(std::exchange(innermost(), this)), since_(Clock::now()) {
    if (outer_) outer_->stop(since_);
  }
  ~StageScope() {
    const Clock::time_point now = Clock::now();
    stop(now);
    innermost() = outer_;
    if (outer_) outer_->since_ = now;
  }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

  /// The stage this thread is in, if any.
  static std::optional<Stage> current() { return innermost() ? std::optional(innermost()->stage_) : std::nullopt; }

 private:
  using Clock = std::chrono::steady_clock;

  static StageScope*& innermost() {
    thread_local StageScope* scope = nullptr;
    return scope;
  }
  void stop(Clock::time_point now) {
    if (StageClock* clock = StageClock::of_this_thread())
      clock->nanoseconds_[std::size_t(stage_)] += std::chrono::duration_cast<std::chrono::nanoseconds>(now - since_).count();
  }

  Stage stage_;
  StageScope* outer_;
  Clock::time_point since_;
};

/// While it lives, what its worker thread does belongs to the stage of the thread that it works for; the time is counted there.
class StageWorker {
 public:
  explicit StageWorker(std::optional<Stage> stage) {
    if (stage) scope_.emplace(*stage);
  }

 private:
  std::optional<StageScope> scope_;
};

}  // namespace voxconv
