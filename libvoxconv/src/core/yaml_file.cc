#include "core/yaml_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv {
namespace {

using nlohmann::json;

constexpr std::uintmax_t most_yaml_bytes = 1u << 20;
constexpr std::size_t deepest_yaml = 32, most_yaml_values = 100'000;

template <typename Number>
std::optional<Number> whole_number(const std::string& text) {
  const std::size_t sign = text.front() == '+' ? 1 : 0;
  Number value{};
  const auto [end, error] = std::from_chars(text.data() + sign, text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// What a scalar without quotes stands for.
json plain_scalar(const std::string& text) {
  static const std::set<std::string> yes{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
  static const std::set<std::string> no{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
  if (text.empty()) return nullptr;
  if (yes.contains(text)) return true;
  if (no.contains(text)) return false;
  if (text.find_first_of("0123456789") > 2) return text;  // from_chars would take "inf" and "nan"
  if (const auto integer = whole_number<std::int64_t>(text)) return *integer;
  if (const auto real = whole_number<double>(text)) return *real;
  return text;
}

/// Builds the document from the parser's events, within bounds.
class YamlBuilder : public YAML::EventHandler {
 public:
  json take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, {nullptr, 1}, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    add(mark, {tag == "!" || tag == "tag:yaml.org,2002:str" ? json(text) : plain_scalar(text), 1}, anchor, text);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias stands inside what it is the alias of");
    add(mark, found->second, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, json::object(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Value {
    json data;
    std::size_t count;  ///< of the values in it, itself included
  };
  struct Open {
    YAML::Mark mark;
    Value value;
    YAML::anchor_t anchor;
    std::optional<std::string> key;  ///< of an object: of the member to come
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, const char* why) { throw YAML::Exception(mark, why); }

  void open(const YAML::Mark& mark, json empty, YAML::anchor_t anchor) {
    if (open_.size() >= deepest_yaml) refuse(mark, "it is nested too deeply");
    if (!open_.empty() && open_.back().value.data.is_object() && !open_.back().key) refuse(mark, "a key is no text");
    open_.push_back({mark, {std::move(empty), 1}, anchor, {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(done.mark, std::move(done.value), done.anchor);
  }

  void add(const YAML::Mark& mark, Value value, YAML::anchor_t anchor, const std::string& text = "") {
    if (anchor) anchors_.insert_or_assign(anchor, value);
    if (open_.empty()) {
      document_ = std::move(value.data);
      return;
    }
    Open& outer = open_.back();
    if (outer.value.data.is_object() && !outer.key) {
      if (!value.data.is_primitive()) refuse(mark, "a key is no text");
      outer.key = text;
      return;
    }
    if ((outer.value.count += value.count) > most_yaml_values) refuse(mark, "it has too many values");
    if (outer.key)
      outer.value.data[*outer.key] = std::move(value.data);
    else
      outer.value.data.push_back(std::move(value.data));
    outer.key.reset();
  }

  json document_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Value> anchors_;
};

}  // namespace

json read_yaml(const std::string& path) {
  std::error_code none;
  if (const auto bytes = std::filesystem::file_size(path, none); !none && bytes > most_yaml_bytes)
    fail(ErrorCode::bad_model, "{} has {} bytes; settings of a model have at most {}.", path, bytes, most_yaml_bytes);
  std::istringstream text(read_file(path));
  try {
    YamlBuilder builder;
    YAML::Parser(text).HandleNextDocument(builder);
    return builder.take();
  } catch (const YAML::Exception& e) {
    fail(ErrorCode::bad_model, "{} is no YAML that can be read: line {}: {}.", path, e.mark.line + 1, e.msg);
  }
}

}  // namespace voxconv
