#pragma once
#include <condition_variable>
#include <mutex>
#include <string>

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

/// Argon2id through libsodium with its INTERACTIVE limits (2 passes, 64 MiB). Two run at a time in a process, so that many log-ins at once
/// take neither all memory nor all handler threads: ServiceError(503, "busy").
std::string hash_password(const std::string& password);
/// An empty hash (nobody has this e-mail) fails, at the cost of a real check: the time it takes tells nothing.
bool check_password(const std::string& hash, const std::string& password);
/// Made with other limits than today's: to be made anew when its owner logs in.
bool is_outdated(const std::string& hash);

}  // namespace webwrap
