#pragma once
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "http/message.h"

namespace webwrap {

/// Throws ServiceError(422, "invalid", "<field>: <what>"); `what` is a sentence.
[[noreturn]] void fail_field(const std::string& field, const std::string& what);

/// How the voices and the music of a song are mixed.
struct MixLevels {
  double wet, level_db, music_db;
};

/// Reads a request's JSON object strictly. Every getter throws ServiceError(422, "invalid") that names the field; null counts as absent.
///
///   JsonBody body(request);
///   const std::string voice = body.text("voice", 1, 64);
///   const double start_s = body.optional_number("start_s", 0, 1e6).value_or(0);
///   body.finish();  // refuses fields that nobody asked for
class JsonBody {
 public:
  /// Throws ServiceError 415 (not application/json), 400 "invalid_json", 422 (not an object).
  explicit JsonBody(const http::Request& request);
  /// The same, and refuses all but `fields` at once, so that no finish() is needed.
  JsonBody(const http::Request& request, std::initializer_list<const char*> fields);
  /// An object within another one; its fields are named by their whole path in errors: "tracks[0].title".
  JsonBody(nlohmann::json object, std::string path) : body_(std::move(object)), path_(std::move(path)) {}

  bool has(const std::string& name) const;

  /// One line without control characters; spaces around it are cut off. `min`, `max`: its length in characters (code points).
  std::string text(const std::string& name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_text(const std::string& name, std::size_t min, std::size_t max);
  /// The same, but may have several lines.
  std::string long_text(const std::string& name, std::size_t min, std::size_t max);
  std::optional<std::string> optional_long_text(const std::string& name, std::size_t max);
  /// Exactly as given: for passwords. `max`: characters.
  std::string secret(const std::string& name, std::size_t max);

  double number(const std::string& name, double min, double max);
  std::optional<double> optional_number(const std::string& name, double min, double max);
  /// A whole number, which never passes through a floating one: money.
  std::int64_t integer(const std::string& name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> optional_integer(const std::string& name, std::int64_t min, std::int64_t max);
  bool flag(const std::string& name);
  std::optional<bool> optional_flag(const std::string& name);
  /// An object whose fields the caller checks; absent: an empty one.
  nlohmann::json object(const std::string& name);
  /// A list of objects; absent: an empty one. `max`: how many.
  std::vector<JsonBody> objects(const std::string& name, std::size_t max);
  /// A list of texts as text() takes them.
  std::vector<std::string> texts(const std::string& name, std::size_t min, std::size_t max, std::size_t max_length);
  /// The fields wet, level_db and music_db; absent: as the song is. In steps too small to be heard, so that nearly equal requests share
  /// what is made.
  MixLevels mix_levels();
  /// fail_field() for a field of this object.
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;

  /// Throws ServiceError(422) that names a field that was never asked for.
  void finish() const;

 private:
  const nlohmann::json* find(const std::string& name);
  const nlohmann::json& require(const std::string& name);
  const nlohmann::json& require_list(const std::string& name, std::size_t max);

  nlohmann::json body_;
  std::string path_;  ///< of this object, with its dot
  std::set<std::string> known_;
};

}  // namespace webwrap
