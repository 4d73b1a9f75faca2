#pragma once
#include <optional>
#include <string>
#include <vector>

namespace webwrap {

/// Encrypts a secret for the database, so that a stolen backup alone opens nothing: XChaCha20-Poly1305 by libsodium, under the first of the
/// operator's keys. `purpose` is authenticated, not stored: what was sealed for one row cannot be put into another. Text of base64.
std::string seal(const std::vector<std::string>& keys, const std::string& purpose, const std::string& secret);

/// What was sealed under any of the keys; nothing where it was changed, sealed for another purpose or under a key that is gone.
std::optional<std::string> unseal(const std::vector<std::string>& keys, const std::string& purpose, const std::string& sealed);

/// Whether a text is a key: 32 bytes in base64, as `openssl rand -base64 32` prints them.
bool is_seal_key(const std::string& text);

/// 32 bytes of sha256 of a text, in base64 as addresses have it: PKCE's code challenge.
std::string pkce_challenge(const std::string& verifier);

}  // namespace webwrap
