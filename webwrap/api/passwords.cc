#include "api/passwords.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "api/concurrency_limiter.h"
#include "config/config.h"
#include "domain/id.h"

namespace webwrap {
namespace {

constexpr auto passes = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr auto memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
constexpr int may_wait = 2;  // for each of the two

struct Slots {
  explicit Slots(const PasswordLimits& limits)
      : checks(limits.checks.running, limits.checks.waiting), hashes(limits.hashes.running, limits.hashes.waiting) {}
  ConcurrencyLimiter checks, hashes;
};

Slots& slots(int handler_threads = Config().handler_threads) {
  static Slots all(password_limits(handler_threads));
  return all;
}

std::string make_hash(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str(text.data(), password.data(), password.size(), passes, memory) != 0)
    throw std::runtime_error("There is not enough memory to hash a password.");
  return text.data();
}

const std::string& dummy_hash() {
  static const std::string hash = make_hash(new_secret());
  return hash;
}

}  // namespace

PasswordLimits password_limits(int handler_threads) {
  const int waiting = std::clamp(handler_threads - 4, 0, 2 * may_wait);
  return {{1, (waiting + 1) / 2}, {1, waiting / 2}};
}

void configure_passwords(int handler_threads) { slots(handler_threads); }

std::string hash_password(const std::string& password) {
  const ConcurrencyLimiter::Slot slot = slots().hashes.enter();
  return make_hash(password);
}

bool check_password(const std::string& hash, const std::string& password) {
  const ConcurrencyLimiter::Slot slot = slots().checks.enter();
  const std::string& dummy = dummy_hash();  // computed once, by the first call
  const std::string& checked = hash.empty() ? dummy : hash;
  const bool right = crypto_pwhash_str_verify(checked.c_str(), password.data(), password.size()) == 0;
  return right && !hash.empty();
}

bool is_outdated(const std::string& hash) { return crypto_pwhash_str_needs_rehash(hash.c_str(), passes, memory) != 0; }

}  // namespace webwrap
