#include "domain/printable.h"

#include <cstdint>

namespace webwrap {
namespace {

/// The character of UTF-8 at the start of `text`, and its length in bytes; length 0: there is none.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character first_of(const char* text, std::size_t left) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead >= 0xf5 || length > left) return {};
  std::uint32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = code < (length == 2 ? 0x80u : length == 3 ? 0x800u : 0x10000u);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length};
}

bool is_harmless(std::uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
  const bool direction = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !control && !direction;
}

}  // namespace

std::string printable(const std::string& text, const std::string& indent) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = first_of(text.data() + at, text.size() - at);
    if (character.code == '\n' && character.length == 1)
      result += '\n' + indent;
    else if (character.length > 0 && is_harmless(character.code))
      result.append(text, at, character.length);
    else
      result += '?';
    at += character.length > 0 ? character.length : 1;
  }
  return result;
}

}  // namespace webwrap
