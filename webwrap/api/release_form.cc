#include "api/release_form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "domain/text.h"

namespace webwrap {
namespace {

constexpr std::size_t max_release_title = 120, max_release_name = 100, max_credits = 20;
constexpr std::array artist_roles{"main", "featured"};
constexpr std::array writer_roles{"composer", "lyricist", "composer_lyricist"};
constexpr std::array explicit_choices{"", "explicit", "edited", "not_explicit"};

std::string text_field(JsonBody& body, const char* name, std::size_t max) { return body.optional_text(name, 0, max).value_or(""); }

template <std::size_t n>
std::string choice_of(JsonBody& body, const char* name, const std::array<const char*, n>& choices) {
  const std::string value = text_field(body, name, 32);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    body.fail(name, fmt::format("this is one of {}.", fmt::join(choices, ", ")));
  return value;
}

template <std::size_t n>
std::vector<Credit> credits_of(JsonBody& body, const char* name, const std::array<const char*, n>& roles) {
  std::vector<Credit> credits;
  for (JsonBody& item : body.objects(name, max_credits)) {
    credits.push_back({item.text("name", 1, max_release_name), choice_of(item, "role", roles)});
    item.finish();
  }
  return credits;
}

std::string language_of(JsonBody& body) {
  const std::string language = lower_case(text_field(body, "language", 3));
  const bool letters = std::all_of(language.begin(), language.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (!letters || language.size() == 1) body.fail("language", "this is a code of two or three letters (ISO 639), as en or zxx.");
  return language;
}

TrackForm track_of(JsonBody& body) {
  TrackForm track;
  track.song = body.text("song", 1, 64);
  track.title = text_field(body, "title", max_release_title);
  track.version = text_field(body, "version", max_release_title);
  track.language = language_of(body);
  track.explicit_words = choice_of(body, "explicit_words", explicit_choices);
  track.is_cover = body.optional_flag("is_cover").value_or(false);
  track.original_title = text_field(body, "original_title", max_release_title);
  track.original_artist = text_field(body, "original_artist", max_release_name);
  track.writers = credits_of(body, "writers", writer_roles);
  track.isrc = normal_code(text_field(body, "isrc", 20));
  track.iswc = normal_code(text_field(body, "iswc", 20));
  const MixLevels levels = body.mix_levels();
  track.wet = levels.wet;
  track.level_db = levels.level_db;
  track.music_db = levels.music_db;
  body.finish();
  return track;
}

}  // namespace

ReleaseForm read_release_form(JsonBody& body) {
  ReleaseForm form;
  form.title = text_field(body, "title", max_release_title);
  form.version = text_field(body, "version", max_release_title);
  form.artists = credits_of(body, "artists", artist_roles);
  form.label = text_field(body, "label", max_release_name);
  form.genre = text_field(body, "genre", 60);
  form.release_date = text_field(body, "release_date", 10);
  form.upc = normal_code(text_field(body, "upc", 20));
  form.year = int(body.optional_number("year", 0, 2200).value_or(0));
  form.p_owner = text_field(body, "p_owner", max_release_name);
  form.c_owner = text_field(body, "c_owner", max_release_name);
  form.rights_confirmed = body.optional_flag("rights_confirmed").value_or(false);
  for (JsonBody& item : body.objects("tracks", max_release_tracks)) form.tracks.push_back(track_of(item));
  body.finish();
  if (form.tracks.empty()) body.fail("tracks", "a release has at least one song.");
  for (std::size_t i = 0; i < form.tracks.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (form.tracks[i].song == form.tracks[j].song) body.fail("tracks", "a song is in a release only once.");
  return form;
}

}  // namespace webwrap
