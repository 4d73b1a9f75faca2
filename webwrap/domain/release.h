#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace webwrap {

/// Somebody who is named in a release, and as what.
struct Credit {
  std::string name, role;  ///< artists: "main", "featured"; writers: "composer", "lyricist", "composer_lyricist"
};

/// What is said of one song of a release.
struct TrackForm {
  std::string song;  ///< its id
  std::string title, version;
  std::string language;        ///< BCP 47; "zxx": there are no words
  std::string explicit_words;  ///< "explicit", "edited", "not_explicit"
  bool is_cover = false;
  std::string original_title, original_artist;  ///< of a cover
  std::vector<Credit> writers;
  std::string isrc, iswc;  ///< empty: the singer has none; never made up
  double wet = 1, level_db = 0, music_db = 0;

  bool has_converted_voice() const { return wet > 0; }  ///< else only the singer's own is heard
};

/// The form of a release as its owner fills it in, one by one: anything may still be missing (problems_of).
struct ReleaseForm {
  std::string title, version;
  std::vector<Credit> artists;
  std::string label, genre;
  std::string release_date;  ///< YYYY-MM-DD; empty: as soon as the distributor can
  std::string upc;           ///< UPC or EAN; empty: the distributor gives one
  int year = 0;              ///< of the (P) and (C) lines
  std::string p_owner, c_owner;
  bool rights_confirmed = false;
  std::vector<TrackForm> tracks;

  static ReleaseForm of(const nlohmann::json& form);
  nlohmann::json to_json() const;
};

/// "A & B feat. C".
std::string artist_line(const std::vector<Credit>& artists);

/// What must be put right before a release can be packed: the field's path, and a sentence.
struct FormProblem {
  std::string field, what;
};
std::vector<FormProblem> problems_of(const ReleaseForm&);

/// Codes without spaces and hyphens, upper case; their check digits and forms are looked at.
std::string normal_code(const std::string& code);
bool is_isrc(const std::string& code);  ///< ISO 3901: country, registrant, year and number
bool is_iswc(const std::string& code);  ///< ISO 15707: T, nine digits, check digit
bool is_upc(const std::string& code);   ///< 12 or 13 digits with GS1's check digit

/// A day that exists, as YYYY-MM-DD.
bool is_day(const std::string& text);

}  // namespace webwrap
