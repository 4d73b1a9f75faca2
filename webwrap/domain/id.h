#pragma once
#include <string>

namespace webwrap {

/// 128 random bits as 26 lower-case base32 characters: for ids and share addresses.
std::string new_id();
/// 256 random bits, URL-safe: for cookies, API tokens and mail links; only its hash is stored.
std::string new_secret();
/// sha256, hex.
std::string hash_secret(const std::string& secret);

}  // namespace webwrap
