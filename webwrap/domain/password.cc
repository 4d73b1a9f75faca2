#include "domain/password.h"

#include <zxcvbn.h>

#include "domain/text.h"

namespace webwrap {
namespace {

/// What takes fewer bits to guess is refused: two common words, or one with digits.
constexpr double least_bits = 26;

/// What zxcvbn's lists of English words, names and passwords lack: this service and its subject, sentences that people take for strong,
/// common words of other languages, keyboards of other countries and columns of keys. Not const, since zxcvbn takes no such pointer.
const char* more_words[] = {"voxconv",
                            "webwrap",
                            "karaoke",
                            "microphone",
                            "singasong",
                            "voiceconverter",
                            "mysong",
                            "myvoice",
                            "helloworld",
                            "jesusislord",
                            "jesuschrist",
                            "godisgood",
                            "iloveyouforever",
                            "iloveyousomuch",
                            "tobeornottobe",
                            "maytheforce",
                            "bewithyou",
                            "opensesame",
                            "onetwothree",
                            "happybirthday",
                            "thequickbrownfox",
                            "passwort",
                            "geheim",
                            "hallo",
                            "schatz",
                            "ichliebedich",
                            "willkommen",
                            "motdepasse",
                            "jetaime",
                            "bienvenue",
                            "contrasena",
                            "teamo",
                            "tequiero",
                            "parola",
                            "senha",
                            "haslo",
                            "correcthorsebatterystaple",
                            "qwertzuiop",
                            "yxcvbnm",
                            "azertyuiop",
                            "qsdfghjklm",
                            "1q2w3e4r5t6y",
                            "1qaz2wsx3edc4rfv",
                            "!qaz2wsx#edc4rfv",
                            "a1b2c3d4e5f6",
                            nullptr};

}  // namespace

double bits_to_guess(std::string password) {
  // zxcvbn takes separators for random characters, which hides the words between them.
  std::erase_if(password, [](char c) { return c == ' ' || c == '.' || c == '-' || c == '_'; });
  return ::ZxcvbnMatch(password.c_str(), more_words, nullptr);
}

std::string password_problem(const std::string& password, const std::string& email) {
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
