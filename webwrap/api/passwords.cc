#include "api/passwords.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

#include "domain/error.h"
#include "domain/id.h"

namespace webwrap {
namespace {

constexpr auto passes = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr auto memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
// Those who wait hold a handler thread each: fewer than config.handler_threads, so that the rest of the service goes on.
constexpr int at_a_time = 2, may_wait = 4;

WorkSlots& slots() {
  static WorkSlots all(at_a_time, may_wait);
  return all;
}

std::string make_hash(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str(text.data(), password.data(), password.size(), passes, memory) != 0)
    throw std::runtime_error("There is not enough memory to hash a password.");
  return text.data();
}

const std::string& hash_of_nobody() {
  static const std::string hash = make_hash(new_secret());
  return hash;
}

}  // namespace

WorkSlots::Slot WorkSlots::enter() {
  std::unique_lock lock(mutex_);
  if (free_ == 0) {
    if (waiting_ >= may_wait_) throw ServiceError(503, "busy", "Very many people are logging in right now; try again in a few seconds.");
    ++waiting_;
    freed_.wait(lock, [&] { return free_ > 0; });
    --waiting_;
  }
  --free_;
  return Slot(*this);
}

int WorkSlots::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void WorkSlots::leave() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

std::string hash_password(const std::string& password) {
  const WorkSlots::Slot slot = slots().enter();
  return make_hash(password);
}

bool check_password(const std::string& hash, const std::string& password) {
  const WorkSlots::Slot slot = slots().enter();
  const std::string& nobody = hash_of_nobody();  // made once, whoever comes first
  const std::string& checked = hash.empty() ? nobody : hash;
  const bool right = crypto_pwhash_str_verify(checked.c_str(), password.data(), password.size()) == 0;
  return right && !hash.empty();
}

bool is_outdated(const std::string& hash) { return crypto_pwhash_str_needs_rehash(hash.c_str(), passes, memory) != 0; }

}  // namespace webwrap
