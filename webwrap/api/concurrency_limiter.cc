#include "api/concurrency_limiter.h"

#include "domain/error.h"

namespace webwrap {

ConcurrencyLimiter::Slot ConcurrencyLimiter::enter() {
  std::unique_lock lock(mutex_);
  if (free_ == 0) {
    if (waiting_ >= max_waiting_) throw ServiceError(503, "busy", "Very many people are doing this right now; try again in a few seconds.");
    ++waiting_;
    freed_.wait(lock, [&] { return free_ > 0; });
    --waiting_;
  }
  --free_;
  return Slot(*this);
}

int ConcurrencyLimiter::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void ConcurrencyLimiter::leave() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

}  // namespace webwrap
