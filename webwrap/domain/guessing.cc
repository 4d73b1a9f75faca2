#include "domain/guessing.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "domain/common_words.h"
#include "domain/text.h"

namespace webwrap {
namespace {

constexpr int letter_bits = 3, other_bits = 2, word_bits = 8, row_bits = 7, year_bits = 6, run_bits = 6, again_bits = 3;
constexpr std::size_t shortest_row = 4, shortest_run = 3, shortest_again = 3, short_word = 6;

/// What fingers follow: keys in rows, columns and zigzags (English, German, French), the keypad, counting, the alphabet. Backwards too.
constexpr std::array<std::string_view, 34> rows = {
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm,.",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qazxsw23edcvfr45tgbnhy67ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "zaq12wsxcde34rfvbgt56yhnmju78ik",
    "qweasdzxcrtyfghvbnuiojklm",
    "qawsedrftgyhujikolp",
    "147258369",
    "741852963",
    "789456123",
    "159753",
    "a1b2c3d4e5f6g7h8i9",
    "1a2b3c4d5e6f7g8h9i",
    "0102030405060708091011121314",
    "112233445566778899",
    "aabbccddeeffgghhii",
    "24681012141618",
    "1357911131517",
    "31415926535897932384",
    "abcd1234",
    "123qweasdzxc",
    "1234qwerasdfzxcv",
    "qwer1234asdf5678",
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c & 0x80) != 0; }

/// `c` is `meant`, or typed for it: a sign of its form, or its key with Shift.
bool stands_for(char c, char meant) {
  constexpr std::array<std::array<char, 2>, 25> typed = {
      {{'0', 'o'}, {'1', 'i'}, {'1', 'l'}, {'3', 'e'}, {'4', 'a'}, {'5', 's'}, {'7', 't'}, {'8', 'b'}, {'9', 'g'},
       {'@', 'a'}, {'$', 's'}, {'!', 'i'}, {'!', 'l'}, {'|', 'l'}, {'+', 't'}, {'!', '1'}, {'@', '2'}, {'#', '3'},
       {'$', '4'}, {'%', '5'}, {'^', '6'}, {'&', '7'}, {'*', '8'}, {'(', '9'}, {')', '0'}}};
  return c == meant || std::find(typed.begin(), typed.end(), std::array{c, meant}) != typed.end();
}

bool starts_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char meant, char c) { return stands_for(c, meant); });
}

/// How many characters at the beginning of `text` follow `row` from anywhere in it.
std::size_t along(std::string_view text, std::string_view row) {
  std::size_t longest = 0;
  for (; !row.empty(); row.remove_prefix(1)) {
    std::size_t length = 0;
    while (length < std::min(text.size(), row.size()) && stands_for(text[length], row[length])) ++length;
    longest = std::max(longest, length);
  }
  return longest;
}

const std::vector<std::string>& rows_both_ways() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> result(rows.begin(), rows.end());
    for (const std::string_view row : rows) result.emplace_back(row.rbegin(), row.rend());
    return result;
  }();
  return all;
}

std::string simplified(const std::string& password) {
  std::string result;
  for (const char c : password)
    if (c != ' ' && c != '.' && c != '-' && c != '_') result += lower_case(c);
  return result;
}

/// The only letters of `text`, where they are few and stand together: "kate" of "kate1987!".
std::string_view only_word(std::string_view text) {
  const auto first = std::find_if(text.begin(), text.end(), is_letter), last = std::find_if_not(first, text.end(), is_letter);
  const bool only = std::none_of(last, text.end(), is_letter) && static_cast<std::size_t>(last - first) <= short_word;
  return only ? text.substr(static_cast<std::size_t>(first - text.begin()), static_cast<std::size_t>(last - first)) : std::string_view();
}

int bits_of_one(char c) {
  if ((c & 0xc0) == 0x80) return 0;  // goes on with a character of UTF-8
  return is_letter(c) ? letter_bits : other_bits;
}

}  // namespace

int bits_to_guess(const std::string& password) {
  const std::string text = simplified(password);
  const std::string_view all = text, name = only_word(all);
  std::vector<int> bits(text.size() + 1, static_cast<int>(text.size()) * letter_bits + word_bits);  // of the cheapest way to come so far
  bits[0] = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = all.substr(at);
    const auto take = [&](std::size_t length, int cost) { bits[at + length] = std::min(bits[at + length], bits[at] + cost); };
    take(1, bits_of_one(text[at]));
    for (const std::string_view word : common_words())
      if (starts_with(rest, word)) take(word.size(), word_bits);
    if (!name.empty() && name.data() == rest.data()) take(name.size(), word_bits);
    for (const std::string& row : rows_both_ways())
      if (const std::size_t length = along(rest, row); length >= shortest_row) take(length, row_bits);
    if (rest.size() >= 4 && (rest.starts_with("19") || rest.starts_with("20")) && is_digit(rest[2]) && is_digit(rest[3]))
      take(4, year_bits);
    const std::size_t run = std::min(rest.find_first_not_of(rest[0]), rest.size());
    if (run >= shortest_run) take(run, run_bits);
    for (std::size_t length = shortest_again; length <= std::min(at, rest.size()); ++length) {
      if (all.substr(0, at).find(rest.substr(0, length)) == all.npos) break;
      take(length, again_bits);
    }
  }
  return bits.back();
}

}  // namespace webwrap
