#pragma once
#include <string>

namespace webwrap {

/// How many passwords are hashed at a time, and how many may wait for that. They hold a handler thread each, so two of those are left to
/// the rest of the service. Checks (log-ins) and new hashes (sign-ups) are limited separately, so that a flood of log-ins, which anybody
/// can send, leaves sign-ups and resets alone.
struct PasswordLimits {
  struct Part {
    int running, waiting;
  } checks, hashes;
};
PasswordLimits password_limits(int handler_threads);
/// To be called before the first password; else the limits are those of Config's default.
void configure_passwords(int handler_threads);

/// Argon2id through libsodium with its INTERACTIVE limits (2 passes, 64 MiB). Two run at a time in a process, so that many log-ins at once
/// take neither all memory nor all handler threads: ServiceError(503, "busy").
std::string hash_password(const std::string& password);
/// An empty hash (nobody has this e-mail) fails, at the cost of a real check: the time it takes tells nothing.
bool check_password(const std::string& hash, const std::string& password);
/// Made with other limits than today's: to be made anew when its owner logs in.
bool is_outdated(const std::string& hash);

}  // namespace webwrap
