#include "payments/webhook_signature.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace webwrap {
namespace {

/// `time_text` goes into the HMAC as it came ("t=0123" is signed as "0123").
struct Header {
  std::string time_text;
  Seconds time = 0;
  std::vector<std::string> signatures;
};

std::optional<Header> parse(std::string_view text) {
  Header header;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
    if (name == "t" && header.time_text.empty()) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), header.time);
      if (error != std::errc() || end != value.data() + value.size() || header.time < 0) return std::nullopt;
      header.time_text = value;
    } else if (name == "v1") {
      header.signatures.emplace_back(value);
    }
  }
  if (header.time_text.empty() || header.signatures.empty()) return std::nullopt;
  return header;
}

std::string sign(const std::string& secret, const std::string& time, const std::string& body) {
  const auto bytes = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes(secret), secret.size());
  const std::string prefix = time + ".";
  crypto_auth_hmacsha256_update(&state, bytes(prefix), prefix.size());
  crypto_auth_hmacsha256_update(&state, bytes(body), body.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::string hex(2 * mac.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  hex.pop_back();  // the terminating zero
  return hex;
}

}  // namespace

SignatureCheck check_signature(const std::string& header, const std::string& body, const std::vector<std::string>& secrets, Seconds now,
                               Seconds tolerance) {
  const std::optional<Header> parsed = parse(header);
  if (!parsed) return SignatureCheck::malformed;
  bool fits = false;
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;  // anyone could sign with it
    const std::string expected = sign(secret, parsed->time_text, body);
    for (const std::string& signature : parsed->signatures)
      if (signature.size() == expected.size() && sodium_memcmp(signature.data(), expected.data(), expected.size()) == 0) fits = true;
  }
  if (!fits) return SignatureCheck::mismatch;
  return parsed->time < now - tolerance ? SignatureCheck::too_old : SignatureCheck::ok;
}

std::string sign_webhook(const std::string& secret, Seconds time, const std::string& body) {
  return sign(secret, std::to_string(time), body);
}

}  // namespace webwrap
