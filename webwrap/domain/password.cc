#include "domain/password.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace webwrap {
namespace {

/// Those of at least 8 characters that people use most, in lower case. Digits and signs at the end do not save them: "password123!".
constexpr std::array common = {
    "12345678",   "123456789",     "1234567890", "12341234",   "11223344",   "87654321",   "987654321",  "0987654321", "0123456789",
    "123123123",  "147258369",     "159753456",  "1q2w3e4r",   "1q2w3e4r5t", "1qaz2wsx",   "1qazxsw2",   "zaq12wsx",   "qwer1234",
    "qwertyui",   "qwertyuiop",    "qwertzuiop", "asdfghjk",   "asdfghjkl",  "zxcvbnm",    "azertyuiop", "qazwsxedc",  "q1w2e3r4",
    "abcd1234",   "abcdefgh",      "abcdefghi",  "a1b2c3d4",   "aa123456",   "password",   "passw0rd",   "p@ssw0rd",   "p@ssword",
    "mypassword", "newpassword",   "passwort",   "kennwort",   "motdepasse", "contraseña", "contrasena", "iloveyou",   "ilovemusic",
    "welcome",    "changeme",      "letmein",    "trustno1",   "whatever",   "sunshine",   "princess",   "football",   "baseball",
    "superman",   "starwars",      "computer",   "internet",   "samsung",    "michelle",   "jennifer",   "jordan23",   "liverpool",
    "chelsea",    "arsenal",       "barcelona",  "realmadrid", "juventus",   "elizabeth",  "charlotte",  "alexander",  "victoria",
    "butterfly",  "chocolate",     "hallo123",   "hello123",   "qwerty",     "dragon",     "master",     "monkey",     "shadow",
    "admin",      "administrator", "default",    "testtest",   "test1234",   "asdf1234",   "pokemon",    "minecraft",  "google",
    "facebook",   "lovelove",      "babygirl",   "karaoke",    "microphone", "singing",    "rockstar",   "superstar",  "musiclover",
};

std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  return text;
}

bool is_common(const std::string& password) {
  const std::string_view all = password;
  std::string_view word = all.substr(0, all.find_last_not_of("0123456789!?.-_*#$@ ") + 1);
  return std::any_of(common.begin(), common.end(), [&](std::string_view entry) { return entry == all || entry == word; });
}

}  // namespace

std::string password_trouble(const std::string& password, const std::string& email) {
  const std::size_t length = length_of(password);
  if (length < min_password_length)
    return "it must have at least " + std::to_string(min_password_length) + " characters; a sentence works well.";
  if (length > max_password_length) return "it must have at most " + std::to_string(max_password_length) + " characters.";
  const std::string small = lower(password);
  if (is_common(small)) return "it is one of those that are guessed first; choose another.";
  if (std::set<char>(small.begin(), small.end()).size() < 4) return "it has hardly any different characters; choose another.";
  const std::string name = email.substr(0, email.find('@'));
  if (name.size() >= 4 && small.find(name) != small.npos) return "it must not contain the name in your e-mail address.";
  if (small.find("voxconv") != small.npos) return "it must not contain the name of this service.";
  return {};
}

}  // namespace webwrap
