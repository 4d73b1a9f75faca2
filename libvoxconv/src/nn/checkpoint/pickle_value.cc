#include "nn/checkpoint/pickle_value.h"

#include "core/fail.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;
constexpr std::size_t longest_description = 200;
constexpr int deepest_description = 4;
constexpr std::size_t most_texts = 1000, longest_plain_text = 4096;

void append(std::string& text, const PickleValue& value, int depth);

void append_items(std::string& text, const PickleValue& value, int depth, const char* open, const char* close) {
  text += open;
  for (std::size_t i = 0; i < value.items.size() && text.size() < longest_description; ++i) {
    if (i) text += value.is(Kind::dict) && i % 2 ? ": " : ", ";
    append(text, *value.items[i], depth + 1);
  }
  if (value.is(Kind::tuple) && value.items.size() == 1) text += ",";
  text += close;
}

void append(std::string& text, const PickleValue& value, int depth) {
  if (depth > deepest_description || text.size() > longest_description) {
    text += "...";
    return;
  }
  switch (value.kind) {
    case Kind::none: text += "None"; break;
    case Kind::boolean: text += value.integer ? "True" : "False"; break;
    case Kind::integer: text += std::to_string(value.integer); break;
    case Kind::real: text += fmt::format("{}", value.real); break;
    case Kind::text: text += fmt::format("'{}'", printable(value.text)); break;
    case Kind::bytes: text += fmt::format("b'{}'", printable(value.text)); break;
    case Kind::list: append_items(text, value, depth, "[", "]"); break;
    case Kind::tuple: append_items(text, value, depth, "(", ")"); break;
    case Kind::set:
    case Kind::dict: append_items(text, value, depth, "{", "}"); break;
    case Kind::global: text += printable(value.text); break;
    case Kind::storage: text += "<storage>"; break;
    case Kind::tensor: text += "<tensor>"; break;
    case Kind::record: append_items(text, value, depth, (printable(value.text) + "(").c_str(), ")"); break;
  }
}

}  // namespace

const PickleValue* PickleValue::find(const std::string& key) const {
  if (is(Kind::record)) return state && state->is(Kind::dict) ? state->find(key) : nullptr;
  if (!is(Kind::dict)) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)  // the last one set counts
    if (items[i - 2]->is(Kind::text) && items[i - 2]->text == key) return items[i - 1];
  return nullptr;
}

std::string printable(const std::string& text, std::size_t most) {
  std::string result;
  for (const char c : text) {
    if (result.size() >= most) return result + "...";
    const auto code = static_cast<unsigned char>(c);
    if (code >= 32 && code < 127)
      result += c;
    else
      result += fmt::format("\\x{:02x}", code);
  }
  return result;
}

std::string plain_text(const PickleValue& value) {
  switch (value.kind) {
    case Kind::text: return value.text;
    case Kind::integer: return std::to_string(value.integer);
    case Kind::boolean: return value.integer ? "true" : "false";
    case Kind::real: return fmt::format("{}", value.real);
    default: return {};
  }
}

std::map<std::string, std::string> plain_texts(const PickleValue& dict) {
  std::map<std::string, std::string> texts;
  if (!dict.is(Kind::dict)) return texts;
  for (std::size_t i = 0; i + 1 < dict.items.size() && texts.size() < most_texts; i += 2) {
    const PickleValue &key = *dict.items[i], &value = *dict.items[i + 1];
    if (!key.is(Kind::text) || key.text.size() > longest_plain_text || value.text.size() > longest_plain_text) continue;
    if (std::string text = plain_text(value); !text.empty()) texts[key.text] = std::move(text);
  }
  return texts;
}

std::string describe(const PickleValue& value) {
  std::string text;
  append(text, value, 0);
  if (text.size() > longest_description) text = text.substr(0, longest_description) + "...";
  return text;
}

}  // namespace voxconv::nn
