#include "nn/checkpoint/pickle_machine.h"

#include "core/fail.h"
#include "nn/checkpoint/pickle_bytes.h"
#include "nn/checkpoint/pickle_globals.h"
#include "nn/checkpoint/pickle_stack.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

constexpr std::uint64_t most_steps = 16'000'000;   // opcodes, which bounds what is merely moved
constexpr std::uint64_t longest_run = 256u << 20;  // one text or run of bytes

/// Reads the steps and does them.
class Machine {
 public:
  Machine(const std::uint8_t* data, std::uint64_t size, const OutsideObject& outside) : bytes_(data, size), stack_(bytes_, size, outside) {}

  Pickle run() {
    for (std::uint64_t steps = 0; step(static_cast<std::uint8_t>(bytes_.unsigned_number(1))); ++steps)
      if (steps > most_steps) fail(ErrorCode::bad_model, "The pickle has more than {} steps; it is not read.", most_steps);
    return stack_.finish();
  }

 private:
  /// Text of a length; what is not UTF-8 are bytes (Python 2 made no difference).
  void make_text(std::uint64_t length, bool is_bytes = false) {
    if (length > longest_run) fail(ErrorCode::bad_model, "The pickle has a text of {} bytes; at most {} are read.", length, longest_run);
    std::string text = bytes_.text(length);
    stack_.make(is_bytes || !is_utf8(text) ? Kind::bytes : Kind::text)->text = std::move(text);
  }

  void make_line_text(std::string text, bool quoted) {
    if (quoted) {
      if (text.size() < 2 || text.front() != text.back()) stack_.damaged("a text without quotes");
      text = text.substr(1, text.size() - 2);
    }
    if (text.find('\\') != std::string::npos || !is_utf8(text)) stack_.damaged("an escaped text, which only protocol 0 has");
    stack_.make(Kind::text)->text = std::move(text);
  }

  /// A number of any length; what does not fit 64 bits is rounded.
  void make_long(std::uint64_t length) {
    if (length > 256) stack_.damaged("a whole number of more than 256 bytes");
    if (length <= 8) return stack_.make_integer(bytes_.signed_number(static_cast<int>(length)));
    const std::string digits = bytes_.text(length);
    double number = 0;
    for (std::size_t i = digits.size(); i-- > 0;) number = number * 256 + static_cast<unsigned char>(digits[i]);
    stack_.make_real(number);
  }

  /// One opcode; false: the end.
  bool step(std::uint8_t code) {
    const auto number = [this](int bytes) { return bytes_.unsigned_number(bytes); };
    switch (code) {
      case '.': return false;
      case 0x80: number(1); break;  // protocol
      case 0x95: number(8); break;  // frame
      case '(': stack_.mark(); break;
      case '0': stack_.pop(); break;
      case '1': stack_.pop_to_mark(); break;
      case '2': stack_.push_top_again(); break;

      case 'N': stack_.make(Kind::none); break;
      case 0x88: stack_.make_integer(1, Kind::boolean); break;
      case 0x89: stack_.make_integer(0, Kind::boolean); break;
      case 'I': {
        const std::string digits = bytes_.line();
        stack_.make_integer(parse_integer(digits.substr(digits == "00" || digits == "01")),
                            digits == "00" || digits == "01" ? Kind::boolean : Kind::integer);
        break;
      }
      case 'L': {
        std::string digits = bytes_.line();
        if (!digits.empty() && digits.back() == 'L') digits.pop_back();
        stack_.make_integer(parse_integer(digits));
        break;
      }
      case 'J': stack_.make_integer(bytes_.signed_number(4)); break;
      case 'K': stack_.make_integer(static_cast<std::int64_t>(number(1))); break;
      case 'M': stack_.make_integer(static_cast<std::int64_t>(number(2))); break;
      case 0x8a: make_long(number(1)); break;
      case 0x8b: make_long(number(4)); break;
      case 'F': stack_.make_real(parse_real(bytes_.line())); break;
      case 'G': stack_.make_real(bytes_.real()); break;

      case 'S': make_line_text(bytes_.line(), true); break;
      case 'V': make_line_text(bytes_.line(), false); break;
      case 'T': make_text(number(4)); break;
      case 'U': make_text(number(1)); break;
      case 'X': make_text(number(4)); break;
      case 0x8c: make_text(number(1)); break;
      case 0x8d: make_text(number(8)); break;
      case 'B': make_text(number(4), true); break;
      case 'C': make_text(number(1), true); break;
      case 0x8e:
      case 0x96: make_text(number(8), true); break;

      case ']': stack_.make(Kind::list); break;
      case ')': stack_.make(Kind::tuple); break;
      case '}': stack_.make(Kind::dict); break;
      case 0x8f: stack_.make(Kind::set); break;
      case 'l': stack_.make_from_mark(Kind::list); break;
      case 't': stack_.make_from_mark(Kind::tuple); break;
      case 'd': stack_.make_from_mark(Kind::dict); break;
      case 0x91: stack_.make_from_mark(Kind::set); break;
      case 0x85: stack_.make_tuple(1); break;
      case 0x86: stack_.make_tuple(2); break;
      case 0x87: stack_.make_tuple(3); break;
      case 'a': {
        const PickleStack::Value item = stack_.pop();
        stack_.append({item});
        break;
      }
      case 'e':
      case 0x90: stack_.append(stack_.pop_to_mark()); break;
      case 's': {
        const PickleStack::Value value = stack_.pop(), key = stack_.pop();
        stack_.set_items({key, value});
        break;
      }
      case 'u': stack_.set_items(stack_.pop_to_mark()); break;

      case 'p': stack_.remember(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
      case 'q': stack_.remember(number(1)); break;
      case 'r': stack_.remember(number(4)); break;
      case 0x94: stack_.remember_next(); break;
      case 'g': stack_.recall(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
      case 'h': stack_.recall(number(1)); break;
      case 'j': stack_.recall(number(4)); break;

      case 'c': {
        const std::string module = bytes_.line();
        stack_.make_global(module, bytes_.line());
        break;
      }
      case 0x93: stack_.make_stack_global(); break;
      case 'R': {
        const PickleStack::Value arguments = stack_.pop();
        stack_.call(stack_.pop(), arguments);
        break;
      }
      case 0x81: stack_.make_object(false); break;
      case 0x92: stack_.make_object(true); break;
      case 'i': {
        const std::string module = bytes_.line();
        stack_.make_global(module, bytes_.line());
        const PickleStack::Value type = stack_.pop();
        stack_.make_old_object(type, stack_.pop_to_mark());
        break;
      }
      case 'o': {
        std::vector<PickleStack::Value> values = stack_.pop_to_mark();
        if (values.empty()) stack_.damaged("an object without a class");
        stack_.make_old_object(values.front(), {values.begin() + 1, values.end()});
        break;
      }
      case 'b': stack_.set_state(); break;
      case 'Q': stack_.make_outside_object(); break;
      case 'P': fail(ErrorCode::bad_model, "The file is refused: it asks for the outside object \"{}\".", printable(bytes_.line()));
      case 0x82:
      case 0x83:
      case 0x84:
        fail(ErrorCode::bad_model, "The file is refused: it asks for the class with the number {} in a registry of Python's.",
             number(code == 0x82   ? 1
                    : code == 0x83 ? 2
                                   : 4));
      default:
        fail(ErrorCode::bad_model, "The pickle is damaged or not of a known kind: it has the step {:#04x} at its byte {}.", code,
             bytes_.position() - 1);
    }
    return true;
  }

  PickleBytes bytes_;
  PickleStack stack_;
};

}  // namespace

PickleValue storage_object(const PickleValue& id) {
  const auto& items = id.items;
  const bool known = id.is(Kind::tuple) && items.size() >= 5 && items[0]->text == "storage" && items[1]->is(Kind::global) &&
                     items[2]->is(Kind::text) && items[4]->is(Kind::integer) && items[4]->integer >= 0;
  if (!known)
    fail(ErrorCode::bad_model, "The file is refused: it asks for the outside object {}; expected a storage of tensors.", describe(id));
  const auto type = find_storage_type(items[1]->text);
  if (!type) fail(ErrorCode::bad_model, "The file has numbers of the unknown type {}.", printable(items[1]->text));
  check_storage_key(items[2]->text);
  PickleValue storage{Kind::storage};
  storage.span = {items[2]->text, *type, 0, static_cast<std::uint64_t>(items[4]->integer)};
  if (items.size() > 5 && items[5]->is(Kind::tuple)) {
    const auto& part = items[5]->items;
    if (part.size() != 3 || part[1]->integer < 0 || part[2]->integer < 0)
      fail(ErrorCode::bad_model, "The file is damaged: the part {} of a storage cannot be.", describe(*items[5]));
    storage.span.first = static_cast<std::uint64_t>(part[1]->integer);
    storage.span.count = static_cast<std::uint64_t>(part[2]->integer);
  }
  return storage;
}

Pickle read_pickle(const std::uint8_t* data, std::uint64_t size, const OutsideObject& outside) {
  return Machine(data, size, outside).run();
}

}  // namespace voxconv::nn
