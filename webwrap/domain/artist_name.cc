#include "domain/artist_name.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "domain/text.h"

namespace webwrap {
namespace {

/// Handles and names that would speak for the service, or mean a page of it.
constexpr std::array reserved = {
    "about",    "abuse",     "account",    "accounts",   "admin",     "administrator", "anonymous", "api",     "app",      "apple",
    "artist",   "artists",   "assets",     "billing",    "blog",      "contact",       "credits",   "deleted", "discover", "embed",
    "everyone", "feed",      "follow",     "help",       "home",      "info",          "legal",     "login",   "logout",   "mail",
    "me",       "mod",       "moderation", "moderator",  "new",       "news",          "nobody",    "null",    "official", "operator",
    "owner",    "password",  "payment",    "payments",   "press",     "privacy",       "register",  "report",  "reports",  "robots",
    "root",     "rss",       "sales",      "search",     "security",  "service",       "settings",  "share",   "shop",     "signup",
    "sitemap",  "song",      "songs",      "soundcloud", "spotify",   "staff",         "status",    "stripe",  "studio",   "support",
    "system",   "team",      "terms",      "test",       "undefined", "unknown",       "user",      "users",   "verified", "voice",
    "voices",   "webmaster", "www",        "you",        "youtube"};
/// No artist's handle or name has the service's within it.
constexpr std::array own_names = {"voxconv", "webwrap"};

void check(UErrorCode code, const char* what) {
  if (U_FAILURE(code)) throw std::runtime_error(fmt::format("ICU: {}: {}.", what, u_errorName(code)));
}

std::string utf8(const icu::UnicodeString& text) {
  std::string result;
  text.toUTF8String(result);
  return result;
}

icu::UnicodeString utf16(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

icu::UnicodeString normalized(const icu::UnicodeString& text, const UNormalizer2* by) {
  icu::UnicodeString result;
  // Case folding can make three characters of one, compatibility forms eighteen.
  const int32_t capacity = 20 * text.length() + 16;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length = unorm2_normalize(by, text.getBuffer(), text.length(), result.getBuffer(capacity), capacity, &error);
  result.releaseBuffer(U_SUCCESS(error) ? length : 0);
  check(error, "a name cannot be normalized");
  return result;
}

icu::UnicodeString folded(const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* fold = unorm2_getNFKCCasefoldInstance(&error);
  check(error, "the case folding is missing");
  return normalized(text, fold);
}

icu::UnicodeString composed(const icu::UnicodeString& text, bool apart = false) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* by = apart ? unorm2_getNFDInstance(&error) : unorm2_getNFCInstance(&error);
  check(error, "the normalization is missing");
  return normalized(text, by);
}

/// ICU's checker of look-alikes. It is made once, and may be used by several threads since nothing changes it.
const USpoofChecker* spoof_checker() {
  static const USpoofChecker* const checker = [] {
    UErrorCode error = U_ZERO_ERROR;
    USpoofChecker* made = uspoof_open(&error);
    check(error, "the checker of look-alikes cannot be opened");
    uspoof_setChecks(made, USPOOF_RESTRICTION_LEVEL | USPOOF_INVISIBLE | USPOOF_MIXED_NUMBERS, &error);
    uspoof_setRestrictionLevel(made, USPOOF_HIGHLY_RESTRICTIVE);
    check(error, "the checker of look-alikes cannot be set up");
    return made;
  }();
  return checker;
}

icu::UnicodeString skeleton(const icu::UnicodeString& text) {
  icu::UnicodeString result;
  const int32_t capacity = 20 * text.length() + 16;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length =
      uspoof_getSkeleton(spoof_checker(), 0, text.getBuffer(), text.length(), result.getBuffer(capacity), capacity, &error);
  result.releaseBuffer(U_SUCCESS(error) ? length : 0);
  check(error, "a name's look-alikes cannot be found");
  return result;
}

/// What is written in the place of a letter and not in Unicode's list, which has only what looks the same.
char letter_for(char c) {
  constexpr std::string_view from = "i345789", to = "leastbg";
  const std::size_t at = from.find(c);
  return at == from.npos ? c : to[at];
}

bool speaks_for_the_service(std::string_view text) {
  static const auto keys = [] {
    std::array<std::string, reserved.size()> all;
    std::transform(reserved.begin(), reserved.end(), all.begin(), [](const char* word) { return look_alike_key(word); });
    return all;
  }();
  const std::string key = look_alike_key(text);
  return std::find(keys.begin(), keys.end(), key) != keys.end() ||
         std::any_of(own_names.begin(), own_names.end(), [&](const char* own) { return key.find(look_alike_key(own)) != key.npos; });
}

constexpr char reserved_sentence[] = "this is reserved, or sounds as if it spoke for the service: choose another one.";

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

/// As new_id() makes them: where an address may hold either, nobody's handle is to be another's id.
bool is_like_id(std::string_view handle) {
  return handle.size() == 26 && std::all_of(handle.begin(), handle.end(), [](char c) { return is_letter(c) || (c >= '2' && c <= '7'); });
}

/// Kinds of characters that names are written with: letters, their marks, digits, punctuation, symbols, and the one space.
bool is_of_names(UChar32 c) {
  if (c == ' ') return true;
  return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_P_MASK | U_GC_S_MASK)) != 0;
}

}  // namespace

std::string handle_problem(std::string_view handle) {
  if (handle.size() < min_handle_length || handle.size() > max_handle_length)
    return fmt::format("it must have {} to {} characters.", min_handle_length, max_handle_length);
  const bool good = std::all_of(handle.begin(), handle.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  if (!good || handle.front() == '-' || handle.back() == '-' || handle.find("--") != handle.npos)
    return "it may have small letters a to z, digits, and single hyphens between them.";
  if (std::none_of(handle.begin(), handle.end(), is_letter)) return "it must have a letter.";
  if (is_like_id(handle)) return "it looks like one of the service's own numbers: choose another one.";
  return speaks_for_the_service(handle) ? reserved_sentence : std::string();
}

std::optional<std::string> normal_artist_name(std::string_view text) {
  const icu::UnicodeString given = utf16(text);
  if (utf8(given) != text) return std::nullopt;  // ICU puts U+FFFD in the place of what is no UTF-8
  const icu::UnicodeString whole = composed(given);
  icu::UnicodeString name;
  for (int32_t at = 0; at < whole.length(); at = whole.moveIndex32(at, 1)) {
    const UChar32 c = whole.char32At(at);
    const bool space = u_isUWhiteSpace(c);
    if (space && (name.isEmpty() || name[name.length() - 1] == ' ')) continue;
    name.append(space ? UChar32(' ') : c);
  }
  if (name.endsWith(u" ")) name.truncate(name.length() - 1);
  return utf8(name);
}

std::string artist_name_problem(const std::string& name) {
  if (name.empty()) return "it must not be empty.";
  if (const std::size_t length = character_count(name); length > max_artist_name_length)
    return fmt::format("it must have at most {} characters, not {}.", max_artist_name_length, length);
  const icu::UnicodeString text = utf16(name);
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1))
    if (!is_of_names(text.char32At(at))) return "it has an invisible character, or one that is none: use letters, digits and signs.";
  UErrorCode error = U_ZERO_ERROR;
  const int32_t found = uspoof_check2(spoof_checker(), text.getBuffer(), text.length(), nullptr, &error);
  check(error, "a name cannot be checked");
  if (found & (USPOOF_RESTRICTION_LEVEL | USPOOF_MIXED_NUMBERS))
    return "it mixes letters or digits of several scripts that look alike: write it in one.";
  if (found & USPOOF_INVISIBLE) return "it has marks that cannot be seen: leave them out.";
  if (look_alike_key(name).empty()) return "it must have a letter or digit.";
  return speaks_for_the_service(name) ? reserved_sentence : std::string();
}

std::string look_alike_key(std::string_view text) {
  // Folded first, so that what looks the same in capitals counts, and once more: the list leads "0" to "O".
  const icu::UnicodeString alike = composed(folded(skeleton(folded(utf16(text)))), true);
  std::string key;
  for (int32_t at = 0; at < alike.length(); at = alike.moveIndex32(at, 1)) {
    const UChar32 c = alike.char32At(at);
    const bool accent = c >= 0x300 && c < 0x370;  // others' marks are part of their letters
    if (accent || !(u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK))) continue;
    const std::string letter = c < 0x80 ? std::string(1, letter_for(static_cast<char>(c))) : utf8(icu::UnicodeString(c));
    if (letter == "v" && key.ends_with('v'))
      key.back() = 'w';
    else
      key += letter;
  }
  return key;
}

}  // namespace webwrap
