#include "blob/digest.h"

#include <sodium.h>

#include <array>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace webwrap {

std::string sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  crypto_hash_sha256_state state;
  ::crypto_hash_sha256_init(&state);
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
    ::crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(block.data()),
                                static_cast<unsigned long long>(file.gcount()));
  if (!file.eof() || file.bad()) throw std::runtime_error("The file " + path + " cannot be read.");
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  ::crypto_hash_sha256_final(&state, digest.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
  return ::sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
}

}  // namespace webwrap
