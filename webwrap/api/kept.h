#pragma once
#include <mutex>
#include <optional>
#include <utility>

#include "domain/clock.h"

namespace webwrap {

/// Something that is made anew after a while only: there is much to read for it, and everybody may ask. Thread-safe.
template <class T>
class Kept {
 public:
  explicit Kept(Seconds age) : age_(age) {}

  template <class Make>
  T get(Seconds now, Make make) {
    const std::lock_guard lock(mutex_);
    if (!value_ || now - made_ >= age_) {
      value_ = make();
      made_ = now;
    }
    return *value_;
  }

 private:
  const Seconds age_;
  std::mutex mutex_;
  std::optional<T> value_;
  Seconds made_ = 0;
};

}  // namespace webwrap
