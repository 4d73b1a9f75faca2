#include "eval/character_error.h"

#include <wctype.h>

#include <algorithm>
#include <clocale>
#include <limits>
#include <numeric>
#include <vector>

#include "core/fail.h"

namespace voxconv::eval {
namespace {

/// Unicode's classes of characters, from the C library, without touching the locale of the process.
locale_t unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (locale == nullptr) fail(ErrorCode::internal, "The C library has no locale C.UTF-8, which tells letters from other characters.");
  return locale;
}

/// The character at text[position], which moves behind it; a space where the bytes are no UTF-8.
char32_t next_character(const std::string& text, std::size_t& position) {
  const auto lead = static_cast<unsigned char>(text[position++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 && lead <= 0xf4 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0 ? 1 : 0;
  if (more == 0) return ' ';
  char32_t character = lead & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    if (position == text.size() || (static_cast<unsigned char>(text[position]) & 0xc0) != 0x80) return ' ';
    character = character << 6 | (static_cast<unsigned char>(text[position++]) & 0x3f);
  }
  return character;
}

}  // namespace

std::u32string spoken_characters(const std::string& text) {
  std::u32string result;
  bool gap = false;
  for (std::size_t position = 0; position < text.size();) {
    const auto character = static_cast<wint_t>(next_character(text, position));
    if (!iswalnum_l(character, unicode())) {
      gap = !result.empty();
      continue;
    }
    if (gap) result += U' ';
    gap = false;
    result += static_cast<char32_t>(towlower_l(character, unicode()));
  }
  return result;
}

double character_error(const std::string& source, const std::string& result) {
  const std::u32string wanted = spoken_characters(source), got = spoken_characters(result);
  if (wanted.empty()) return std::numeric_limits<double>::quiet_NaN();
  // distances[j]: of what was looked at of `wanted` to the first j characters of `got` (Wagner and Fischer, 1974).
  std::vector<std::int64_t> distances(got.size() + 1);
  std::iota(distances.begin(), distances.end(), std::int64_t{0});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::int64_t diagonal = distances[0]++;
    for (std::size_t j = 0; j < got.size(); ++j) {
      const std::int64_t changed = diagonal + (wanted[i] != got[j]);
      diagonal = distances[j + 1];
      distances[j + 1] = std::min({changed, diagonal + 1, distances[j] + 1});
    }
  }
  return double(distances.back()) / double(wanted.size());
}

}  // namespace voxconv::eval
