#include "domain/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "domain/text.h"

namespace webwrap {
namespace {

using nlohmann::json;

std::vector<Credit> credits_of(const json& list) {
  std::vector<Credit> credits;
  for (const json& item : list) credits.push_back({item.at("name"), item.at("role")});
  return credits;
}

json to_json(const std::vector<Credit>& credits) {
  json list = json::array();
  for (const Credit& credit : credits) list.push_back({{"name", credit.name}, {"role", credit.role}});
  return list;
}

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c); });
}

bool has_role(const std::vector<Credit>& credits, std::initializer_list<const char*> roles) {
  return std::any_of(credits.begin(), credits.end(), [&](const Credit& credit) {
    return std::any_of(roles.begin(), roles.end(), [&](const char* role) { return credit.role == role; });
  });
}

void check(const TrackForm& track, const std::string& path, std::vector<FormProblem>& problems) {
  const auto add = [&](const char* field, const std::string& what) { problems.push_back({path + field, what}); };
  if (track.title.empty()) add("title", "the title of this song is missing.");
  if (track.language.empty()) add("language", "say in which language it is sung, or that there are no words (zxx).");
  if (track.explicit_words.empty()) add("explicit_words", "say whether its words are explicit.");
  if (!has_role(track.writers, {"composer", "composer_lyricist"})) add("writers", "name who composed it.");
  if (track.language != "zxx" && !has_role(track.writers, {"lyricist", "composer_lyricist"})) add("writers", "name who wrote its words.");
  if (track.is_cover && track.original_title.empty()) add("original_title", "name the song that this is a cover of.");
  if (track.is_cover && track.original_artist.empty()) add("original_artist", "name whose song it is a cover of.");
  if (!track.isrc.empty() && !is_isrc(track.isrc))
    add("isrc",
        "this is no ISRC; it has 12 characters, as in QZ-ABC-26-00001. Leave it empty if you have none: the distributor gives one.");
  if (!track.iswc.empty() && !is_iswc(track.iswc))
    add("iswc", "this is no ISWC, as in T-034.524.680-1: perhaps a digit is wrong. Leave it empty if you do not know it.");
}

}  // namespace

ReleaseForm ReleaseForm::of(const json& form) {
  ReleaseForm release;
  form.at("title").get_to(release.title);
  form.at("version").get_to(release.version);
  release.artists = credits_of(form.at("artists"));
  form.at("label").get_to(release.label);
  form.at("genre").get_to(release.genre);
  form.at("release_date").get_to(release.release_date);
  form.at("upc").get_to(release.upc);
  form.at("year").get_to(release.year);
  form.at("p_owner").get_to(release.p_owner);
  form.at("c_owner").get_to(release.c_owner);
  form.at("rights_confirmed").get_to(release.rights_confirmed);
  for (const json& item : form.at("tracks")) {
    TrackForm& track = release.tracks.emplace_back();
    item.at("song").get_to(track.song);
    item.at("title").get_to(track.title);
    item.at("version").get_to(track.version);
    item.at("language").get_to(track.language);
    item.at("explicit_words").get_to(track.explicit_words);
    item.at("is_cover").get_to(track.is_cover);
    item.at("original_title").get_to(track.original_title);
    item.at("original_artist").get_to(track.original_artist);
    track.writers = credits_of(item.at("writers"));
    item.at("isrc").get_to(track.isrc);
    item.at("iswc").get_to(track.iswc);
    item.at("wet").get_to(track.wet);
    item.at("level_db").get_to(track.level_db);
    item.at("music_db").get_to(track.music_db);
  }
  return release;
}

json ReleaseForm::to_json() const {
  json list = json::array();
  for (const TrackForm& track : tracks)
    list.push_back({{"song", track.song},
                    {"title", track.title},
                    {"version", track.version},
                    {"language", track.language},
                    {"explicit_words", track.explicit_words},
                    {"is_cover", track.is_cover},
                    {"original_title", track.original_title},
                    {"original_artist", track.original_artist},
                    {"writers", webwrap::to_json(track.writers)},
                    {"isrc", track.isrc},
                    {"iswc", track.iswc},
                    {"wet", track.wet},
                    {"level_db", track.level_db},
                    {"music_db", track.music_db}});
  return {{"title", title},
          {"version", version},
          {"artists", webwrap::to_json(artists)},
          {"label", label},
          {"genre", genre},
          {"release_date", release_date},
          {"upc", upc},
          {"year", year},
          {"p_owner", p_owner},
          {"c_owner", c_owner},
          {"rights_confirmed", rights_confirmed},
          {"tracks", list}};
}

std::string artist_line(const std::vector<Credit>& artists) {
  std::string main, featured;
  for (const Credit& artist : artists) {
    std::string& line = artist.role == "main" ? main : featured;
    line += (line.empty() ? "" : " & ") + artist.name;
  }
  return featured.empty() ? main : main + " feat. " + featured;
}

std::vector<FormProblem> problems_of(const ReleaseForm& form) {
  std::vector<FormProblem> problems;
  const auto need = [&](bool there, const char* field, const char* what) {
    if (!there) problems.push_back({field, what});
  };
  need(!form.title.empty(), "title", "the title of the release is missing.");
  need(has_role(form.artists, {"main"}), "artists", "name the main artist, as listeners shall see the name.");
  need(!form.genre.empty(), "genre", "choose a genre.");
  need(form.year >= 1900, "year", "the year of the first publication is missing.");
  need(!form.p_owner.empty(), "p_owner", "name who owns the recording.");
  need(!form.c_owner.empty(), "c_owner", "name who owns the rights in cover and texts.");
  need(form.release_date.empty() || is_day(form.release_date), "release_date", "this is no day, as in 2027-05-01.");
  need(form.upc.empty() || is_upc(form.upc), "upc",
       "this is no UPC or EAN: perhaps a digit is wrong. Leave it empty if you have none: the distributor gives one.");
  need(form.rights_confirmed, "rights_confirmed", "confirm that you may release this.");
  for (std::size_t i = 0; i < form.tracks.size(); ++i) check(form.tracks[i], fmt::format("tracks[{}].", i), problems);
  return problems;
}

std::string normal_code(const std::string& code) {
  std::string normal;
  for (const char c : code)
    if (c != ' ' && c != '-' && c != '.') normal += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return normal;
}

bool is_isrc(const std::string& code) {
  if (code.size() != 12) return false;
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (std::size_t i = 0; i < 5; ++i)
    if (!letter(code[i]) && (i < 2 || !is_digit(code[i]))) return false;
  return all_digits(code.substr(5));
}

bool is_iswc(const std::string& code) {
  if (code.size() != 11 || code[0] != 'T' || !all_digits(code.substr(1))) return false;
  int sum = 1;
  for (int i = 1; i <= 9; ++i) sum += i * (code[std::size_t(i)] - '0');
  return (10 - sum % 10) % 10 == code[10] - '0';
}

bool is_upc(const std::string& code) {
  if ((code.size() != 12 && code.size() != 13) || !all_digits(code)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < code.size(); ++i) sum += (code[code.size() - 1 - i] - '0') * (i % 2 ? 3 : 1);
  return sum % 10 == 0;
}

bool is_day(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (!all_digits(text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2))) return false;
  const auto number = [&](std::size_t at, std::size_t length) { return std::atoi(text.substr(at, length).c_str()); };
  return std::chrono::year_month_day(std::chrono::year(number(0, 4)), std::chrono::month(unsigned(number(5, 2))),
                                     std::chrono::day(unsigned(number(8, 2))))
      .ok();
}

}  // namespace webwrap
