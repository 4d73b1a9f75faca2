#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

namespace voxconv {

/// What the work of a conversion is divided into.
enum class Stage { read, content, f0, retrieval, synthesis, post };
constexpr std::size_t stage_count = 6;

/// Adds up the seconds that threads spend in each stage. Thread-safe. Where stages overlap, their sum is more than the time that passes.
class StageClock {
 public:
  double seconds(Stage stage) const { return 1e-9 * double(nanoseconds_[std::size_t(stage)].load()); }

 private:
  friend class StageScope;
  std::array<std::atomic<std::int64_t>, stage_count> nanoseconds_{};
};

/// While it lives, what its thread does belongs to a stage. A scope within another stops the outer one's clock: nothing counts twice.
/// Costs nothing to speak of.
class StageScope {
 public:
  StageScope(StageClock& clock, Stage stage) : clock_(clock), stage_(stage), outer_(innermost()), since_(Clock::now()) {
    if (outer_) outer_->stop(since_);
    innermost() = this;
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
    clock_.nanoseconds_[std::size_t(stage_)] += std::chrono::duration_cast<std::chrono::nanoseconds>(now - since_).count();
  }

  StageClock& clock_;
  Stage stage_;
  StageScope* outer_;
  Clock::time_point since_;
};

}  // namespace voxconv
