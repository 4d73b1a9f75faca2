#include "api/passwords.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "api/work_slots.h"
#include "config/config.h"
#include "domain/id.h"

namespace webwrap {
namespace {

constexpr auto passes = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr auto memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
constexpr int at_a_time = 2, may_wait = 4;

WorkSlots& slots(int handler_threads = Config().handler_threads) {
  static const PasswordRoom room = password_room(handler_threads);
  static WorkSlots all(room.running, room.waiting);
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

PasswordRoom password_room(int handler_threads) {
  const int most = std::clamp(handler_threads - 2, 1, at_a_time + may_wait), running = std::min(at_a_time, most);
  return {running, most - running};
}

void fit_passwords(int handler_threads) { slots(handler_threads); }

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
