#include "domain/password.h"

#include "domain/guessing.h"
#include "domain/text.h"

namespace webwrap {
namespace {

/// What takes fewer to guess (bits_to_guess) is refused: two common words and a digit or two do.
constexpr int least_bits = 24;

}  // namespace

std::string password_trouble(const std::string& password, const std::string& email) {
  const std::size_t length = character_count(password);
  if (length < min_password_length)
    return "it must have at least " + std::to_string(min_password_length) + " characters; a sentence works well.";
  if (length > max_password_length) return "it must have at most " + std::to_string(max_password_length) + " characters.";
  const std::string small = lower_case(password);
  if (bits_to_guess(password) < least_bits)
    return "it is among those that are guessed first: common words, rows of keys, repetitions, a short word with digits. Choose another; a "
           "sentence works well.";
  const std::string name = email.substr(0, email.find('@'));
  if (name.size() >= 4 && small.find(name) != small.npos) return "it must not contain the name in your e-mail address.";
  if (small.find("voxconv") != small.npos) return "it must not contain the name of this service.";
  return {};
}

}  // namespace webwrap
