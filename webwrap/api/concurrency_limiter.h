#pragma once
#include <condition_variable>
#include <mutex>

namespace webwrap {

/// A semaphore with a bounded number of waiting callers; further ones are refused.
class ConcurrencyLimiter {
 public:
  ConcurrencyLimiter(int running, int waiting) : free_(running), max_waiting_(waiting) {}

  class Slot {
   public:
    explicit Slot(ConcurrencyLimiter& slots) : slots_(slots) {}
    ~Slot() { slots_.leave(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    ConcurrencyLimiter& slots_;
  };
  /// Waits for a slot; it is given back when the result goes. Throws ServiceError(503, "busy") where too many wait already.
  [[nodiscard]] Slot enter();
  int waiting() const;

 private:
  void leave();

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int free_, max_waiting_, waiting_ = 0;
};

}  // namespace webwrap
