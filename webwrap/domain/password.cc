#include "domain/password.h"

#include <algorithm>

#include "domain/guessing.h"

namespace webwrap {
namespace {

/// What takes fewer to guess (bits_to_guess) is refused: two common words and a digit or two do.
constexpr int least_bits = 24;

std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  return text;
}

}  // namespace

std::string password_problem(const std::string& password, const std::string& email) {
  const std::size_t length = length_of(password);
  if (length < min_password_length)
    return "it must have at least " + std::to_string(min_password_length) + " characters; a sentence works well.";
  if (length > max_password_length) return "it must have at most " + std::to_string(max_password_length) + " characters.";
  const std::string small = lower(password);
  if (bits_to_guess(password) < least_bits)
    return "it is among those that are guessed first: common words, rows of keys, repetitions, a short word with digits. Choose another; a "
           "sentence works well.";
  const std::string name = email.substr(0, email.find('@'));
  if (name.size() >= 4 && small.find(name) != small.npos) return "it must not contain the name in your e-mail address.";
  if (small.find("voxconv") != small.npos) return "it must not contain the name of this service.";
  return {};
}

}  // namespace webwrap
