#include "domain/sealed.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace webwrap {
namespace {

using Bytes = std::vector<unsigned char>;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;

const unsigned char* bytes_of(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::optional<Bytes> decode(const std::string& text, int variant) {
  Bytes bytes(text.size() + 1);
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr, variant) != 0) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

std::string encode(const unsigned char* bytes, std::size_t size, int variant) {
  std::string text(sodium_base64_encoded_len(size, variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, variant);
  text.pop_back();  // the terminating zero
  return text;
}

std::optional<Bytes> key_of(const std::string& text) {
  auto key = decode(text, sodium_base64_VARIANT_ORIGINAL);
  return key && key->size() == key_size ? key : std::nullopt;
}

}  // namespace

std::string seal(const std::vector<std::string>& keys, const std::string& purpose, const std::string& secret) {
  const auto key = keys.empty() ? std::nullopt : key_of(keys.front());
  if (!key || sodium_init() < 0) throw std::logic_error("A secret was to be sealed without a key.");
  Bytes sealed(nonce_size + secret.size() + tag_size);
  randombytes_buf(sealed.data(), nonce_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data() + nonce_size, nullptr, bytes_of(secret), secret.size(), bytes_of(purpose),
                                             purpose.size(), nullptr, sealed.data(), key->data());
  return encode(sealed.data(), sealed.size(), sodium_base64_VARIANT_ORIGINAL);
}

std::optional<std::string> unseal(const std::vector<std::string>& keys, const std::string& purpose, const std::string& sealed) {
  const auto bytes = decode(sealed, sodium_base64_VARIANT_ORIGINAL);
  if (!bytes || bytes->size() < nonce_size + tag_size) return std::nullopt;
  std::string secret(bytes->size() - nonce_size - tag_size, '\0');
  for (const std::string& text : keys) {
    const auto key = key_of(text);
    if (key && crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(secret.data()), nullptr, nullptr,
                                                          bytes->data() + nonce_size, bytes->size() - nonce_size, bytes_of(purpose),
                                                          purpose.size(), bytes->data(), key->data()) == 0)
      return secret;
  }
  return std::nullopt;
}

bool is_seal_key(const std::string& text) { return key_of(text).has_value(); }

std::string pkce_challenge(const std::string& verifier) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), bytes_of(verifier), verifier.size());
  return encode(hash.data(), hash.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

}  // namespace webwrap
