#include "api/json_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "domain/error.h"
#include "domain/limits.h"
#include "domain/text.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int max_depth = 16;  // copying and writing JSON takes stack for each level

bool is_json_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return lower_case(content_type) == "application/json";
}

std::string checked_text(const std::string& name, const json& value, std::size_t min, std::size_t max, const char* controls_allowed) {
  if (!value.is_string()) fail_field(name, fmt::format("it must be text, not {}.", value.type_name()));
  const std::string text(trimmed(value.get_ref<const std::string&>(), " \t\r\n"));
  for (const char c : text)
    if (is_control(c) && std::string_view(controls_allowed).find(c) == std::string_view::npos)
      fail_field(name, "it must not have control characters.");
  const std::size_t length = character_count(text);
  if (length < min) fail_field(name, min == 1 ? "it must not be empty." : fmt::format("it must have at least {} characters.", min));
  if (length > max) fail_field(name, fmt::format("it must have at most {} characters, not {}.", max, length));
  return text;
}

double number_of(const std::string& name, const json& value, double min, double max) {
  if (!value.is_number()) fail_field(name, fmt::format("it must be a number, not {}.", value.type_name()));
  const double number = value.get<double>();
  if (!std::isfinite(number) || number < min || number > max) fail_field(name, fmt::format("it must lie between {} and {}.", min, max));
  return number;
}

std::int64_t integer_of(const std::string& name, const json& value, std::int64_t min, std::int64_t max) {
  if (!value.is_number_integer())
    fail_field(name, fmt::format("it must be a whole number, not {}.", value.is_number() ? "another" : value.type_name()));
  const bool fits = !value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX;
  if (!fits || value.get<std::int64_t>() < min || value.get<std::int64_t>() > max)
    fail_field(name, fmt::format("it must lie between {} and {}.", min, max));
  return value.get<std::int64_t>();
}

bool flag_of(const std::string& name, const json& value) {
  if (!value.is_boolean()) fail_field(name, fmt::format("it must be true or false, not {}.", value.type_name()));
  return value.get<bool>();
}

}  // namespace

void fail_field(const std::string& field, const std::string& what) { throw ServiceError(422, "invalid", field + ": " + what); }

JsonBody::JsonBody(const http::Request& request) {
  if (!is_json_type(request.header("content-type")))
    throw ServiceError(415, "unsupported_media_type", "This address takes a JSON body: send it with Content-Type: application/json.");
  const auto check_depth = [](int depth, json::parse_event_t, const json&) {
    if (depth > max_depth) throw ServiceError(422, "invalid", "The body is nested too deeply.");
    return true;
  };
  body_ = json::parse(request.body, check_depth, false);
  if (body_.is_discarded()) throw ServiceError(400, "invalid_json", "The request's body is not valid JSON in UTF-8.");
  if (!body_.is_object()) throw ServiceError(422, "invalid", fmt::format("The body must be a JSON object, not {}.", body_.type_name()));
}

JsonBody::JsonBody(const http::Request& request, std::initializer_list<const char*> fields) : JsonBody(request) {
  known_.insert(fields.begin(), fields.end());
  finish();
}

const json* JsonBody::find(const std::string& name) {
  known_.insert(name);
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

const json& JsonBody::require(const std::string& name) {
  const json* value = find(name);
  if (!value) fail(name, "it is missing.");
  return *value;
}

bool JsonBody::has(const std::string& name) const {
  const auto found = body_.find(name);
  return found != body_.end() && !found->is_null();
}

std::string JsonBody::text(const std::string& name, std::size_t min, std::size_t max) {
  return checked_text(path_ + name, require(name), min, max, "");
}

std::optional<std::string> JsonBody::optional_text(const std::string& name, std::size_t min, std::size_t max) {
  const json* value = find(name);
  return value ? std::optional(checked_text(path_ + name, *value, min, max, "")) : std::nullopt;
}

std::string JsonBody::long_text(const std::string& name, std::size_t min, std::size_t max) {
  return checked_text(path_ + name, require(name), min, max, "\n\r\t");
}

std::optional<std::string> JsonBody::optional_long_text(const std::string& name, std::size_t max) {
  const json* value = find(name);
  return value ? std::optional(checked_text(path_ + name, *value, 0, max, "\n\r\t")) : std::nullopt;
}

std::string JsonBody::secret(const std::string& name, std::size_t max) {
  const json& value = require(name);
  if (!value.is_string()) fail(name, fmt::format("it must be text, not {}.", value.type_name()));
  const std::string& text = value.get_ref<const std::string&>();
  if (character_count(text) > max) fail(name, fmt::format("it must have at most {} characters.", max));
  return text;
}

double JsonBody::number(const std::string& name, double min, double max) { return number_of(path_ + name, require(name), min, max); }

std::optional<double> JsonBody::optional_number(const std::string& name, double min, double max) {
  const json* value = find(name);
  return value ? std::optional(number_of(path_ + name, *value, min, max)) : std::nullopt;
}

std::int64_t JsonBody::integer(const std::string& name, std::int64_t min, std::int64_t max) {
  return integer_of(path_ + name, require(name), min, max);
}

std::optional<std::int64_t> JsonBody::optional_integer(const std::string& name, std::int64_t min, std::int64_t max) {
  const json* value = find(name);
  return value ? std::optional(integer_of(path_ + name, *value, min, max)) : std::nullopt;
}

bool JsonBody::flag(const std::string& name) { return flag_of(path_ + name, require(name)); }

std::optional<bool> JsonBody::optional_flag(const std::string& name) {
  const json* value = find(name);
  return value ? std::optional(flag_of(path_ + name, *value)) : std::nullopt;
}

json JsonBody::object(const std::string& name) {
  const json* value = find(name);
  if (!value) return json::object();
  if (!value->is_object()) fail(name, fmt::format("it must be an object, not {}.", value->type_name()));
  return *value;
}

MixLevels JsonBody::mix_levels() {
  const auto level = [&](const char* name) {
    return std::round(optional_number(name, lowest_level_db, highest_level_db).value_or(0) * 10) / 10;
  };
  return {std::round(optional_number("wet", 0, 1).value_or(1) * 100) / 100, level("level_db"), level("music_db")};
}

void JsonBody::fail(const std::string& name, const std::string& what) const { fail_field(path_ + name, what); }

const json& JsonBody::require_list(const std::string& name, std::size_t max) {
  const json& list = require(name);
  if (!list.is_array()) fail(name, fmt::format("it must be a list, not {}.", list.type_name()));
  if (list.size() > max) fail(name, fmt::format("it must have at most {} items, not {}.", max, list.size()));
  return list;
}

std::vector<JsonBody> JsonBody::objects(const std::string& name, std::size_t max) {
  std::vector<JsonBody> result;
  if (!find(name)) return result;
  for (const json& item : require_list(name, max)) {
    const std::string path = fmt::format("{}{}[{}]", path_, name, result.size());
    if (!item.is_object()) fail_field(path, fmt::format("it must be an object, not {}.", item.type_name()));
    result.emplace_back(item, path + ".");
  }
  return result;
}

std::vector<std::string> JsonBody::texts(const std::string& name, std::size_t min, std::size_t max, std::size_t max_length) {
  std::vector<std::string> result;
  for (const json& item : require_list(name, max))
    result.push_back(checked_text(fmt::format("{}{}[{}]", path_, name, result.size()), item, 1, max_length, ""));
  if (result.size() < min) fail(name, fmt::format("it must have at least {}.", min));
  return result;
}

void JsonBody::finish() const {
  for (const auto& [name, value] : body_.items())
    if (!known_.contains(name)) fail(name, "there is no such field here.");
}

}  // namespace webwrap
