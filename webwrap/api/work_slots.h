#pragma once
#include <condition_variable>
#include <mutex>

namespace webwrap {

/// Lets a few in at a time, lets a few more wait, and turns the rest away.
class WorkSlots {
 public:
  WorkSlots(int running, int waiting) : free_(running), may_wait_(waiting) {}

  class Slot {
   public:
    explicit Slot(WorkSlots& slots) : slots_(slots) {}
    ~Slot() { slots_.leave(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    WorkSlots& slots_;
  };
  /// Waits for a slot; it is given back when the result goes. Throws ServiceError(503, "busy") where too many wait already.
  [[nodiscard]] Slot enter();
  int waiting() const;

 private:
  void leave();

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int free_, may_wait_, waiting_ = 0;
};

}  // namespace webwrap
