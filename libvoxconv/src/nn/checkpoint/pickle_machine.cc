#include "nn/checkpoint/pickle_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/fail.h"
#include "nn/checkpoint/pickle_bytes.h"
#include "nn/checkpoint/pickle_globals.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;
using Value = const PickleValue*;

constexpr std::size_t most_values = 1'000'000;      // what is made
constexpr std::uint64_t most_steps = 16'000'000;    // opcodes, which bounds what is merely moved
constexpr std::uint64_t longest_text = 256u << 20;  // one text or run of bytes
constexpr std::uint64_t free_copies = 1u << 20;     // bytes that may be copied beyond the pickle's own size

class Machine {
 public:
  Machine(const std::uint8_t* data, std::uint64_t size, const OutsideObject& outside)
      : bytes_(data, size), outside_(outside), copies_left_(size * 4 + free_copies), tree_(std::make_shared<PickleTree>()) {}

  Pickle run() {
    for (std::uint64_t steps = 0; step(static_cast<std::uint8_t>(bytes_.unsigned_number(1))); ++steps)
      if (steps > most_steps) fail(ErrorCode::bad_model, "The pickle has more than {} steps; it is not read.", most_steps);
    const Value root = pop();
    if (!stranger_.empty())
      fail(ErrorCode::bad_model, "The file is refused: it refers to {}, which is neither a tensor nor plain data.", stranger_);
    return {tree_, root, bytes_.position(), {records_.begin(), records_.end()}};
  }

 private:
  // Making values and moving them about.

  PickleValue* make(Kind kind) {
    if (tree_->size() >= most_values) fail(ErrorCode::bad_model, "The pickle has more than {} values; it is not read.", most_values);
    tree_->push_back({kind});
    stack_.push_back(&tree_->back());
    return &tree_->back();
  }
  PickleValue* make(PickleValue value) {
    PickleValue* made = make(value.kind);
    *made = std::move(value);
    return made;
  }
  void make_integer(std::int64_t number, Kind kind = Kind::integer) { make(kind)->integer = number; }
  void make_real(double number) { make(Kind::real)->real = number; }

  /// Text of a length; what is not UTF-8 are bytes (Python 2 made no difference).
  void make_text(std::uint64_t length, bool is_bytes = false) {
    if (length > longest_text) fail(ErrorCode::bad_model, "The pickle has a text of {} bytes; at most {} are read.", length, longest_text);
    std::string text = bytes_.text(length);
    make(is_bytes || !is_utf8(text) ? Kind::bytes : Kind::text)->text = std::move(text);
  }

  void make_line_text(std::string text, bool quoted) {
    if (quoted) {
      if (text.size() < 2 || text.front() != text.back()) damaged("a text without quotes");
      text = text.substr(1, text.size() - 2);
    }
    if (text.find('\\') != std::string::npos || !is_utf8(text)) damaged("an escaped text, which only protocol 0 has");
    make(Kind::text)->text = std::move(text);
  }

  /// A number of any length; what does not fit 64 bits is rounded.
  void make_long(std::uint64_t length) {
    if (length > 256) damaged("a whole number of more than 256 bytes");
    if (length <= 8) return make_integer(bytes_.signed_number(static_cast<int>(length)));
    const std::string digits = bytes_.text(length);
    double number = 0;
    for (std::size_t i = digits.size(); i-- > 0;) number = number * 256 + static_cast<unsigned char>(digits[i]);
    make_real(number);
  }

  Value pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) damaged("a step that needs more values than there are");
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }

  std::vector<Value> pop_to_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) damaged("a step that needs a mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  /// The value at the top, to be changed; only those that this machine made and that may change.
  PickleValue* top() {
    const Value value = pop();
    stack_.push_back(value);
    return const_cast<PickleValue*>(value);
  }

  void make_tuple(std::size_t count) {
    std::vector<Value> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    make(Kind::tuple)->items = std::move(items);
  }

  void make_from_mark(Kind kind) {
    std::vector<Value> items = pop_to_mark();
    if (kind == Kind::dict && items.size() % 2) damaged("a key without a value");
    make(kind)->items = std::move(items);
  }

  void append(const std::vector<Value>& values) {
    PickleValue* list = top();
    if (!list->is(Kind::list) && !list->is(Kind::set) && !list->is(Kind::record)) damaged("an item for something that is no list");
    list->items.insert(list->items.end(), values.begin(), values.end());
  }

  void set_items(const std::vector<Value>& values) {
    PickleValue* dict = top();
    if (values.size() % 2 || (!dict->is(Kind::dict) && !dict->is(Kind::record))) damaged("an item for something that is no dict");
    dict->items.insert(dict->items.end(), values.begin(), values.end());
  }

  void remember(std::uint64_t index) {
    if (memo_.size() >= most_values) fail(ErrorCode::bad_model, "The pickle has more than {} values; it is not read.", most_values);
    memo_[index] = top();
  }

  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged("a value that it has not had yet");
    stack_.push_back(found->second);
  }

  // What Python would import and call.

  void make_global(const std::string& module, const std::string& name) {
    const std::string full = modern_global_name(module, name);
    if (stranger_.empty() && !find_global(full)) stranger_ = printable(full);  // refused at the latest at the end
    make(Kind::global)->text = full;
  }

  void make_stack_global() {
    const Value name = pop(), module = pop();
    if (!name->is(Kind::text) || !module->is(Kind::text)) damaged("a global whose name is no text");
    make_global(module->text, name->text);
  }

  [[noreturn]] static void refuse_call(Value callable, const std::string& arguments) {
    fail(ErrorCode::bad_model, "The file is refused: loaded with Python, it would have called {}{}.", describe(*callable), arguments);
  }

  void call(Value callable, Value arguments) {
    const auto use = callable->is(Kind::global) ? find_global(callable->text) : std::nullopt;
    if (!use || !arguments->is(Kind::tuple)) refuse_call(callable, describe(*arguments));
    Made made = make_value(*use, callable->text, *arguments, [this](std::uint64_t bytes) { charge(bytes); });
    if (made.same) {
      stack_.push_back(made.same);
      return;
    }
    const std::string& type = made.value.text;
    if (made.value.is(Kind::record) && type.rfind("torch.", 0) != 0 && type.rfind("numpy.", 0) != 0) records_.insert(printable(type));
    make(std::move(made.value));
  }

  void make_object(bool keywords) {
    if (keywords && !pop()->items.empty()) damaged("keyword arguments");
    const Value arguments = pop(), type = pop();
    const auto use = type->is(Kind::global) ? find_global(type->text) : std::nullopt;
    if (use != PickleGlobal::record && use != PickleGlobal::dict) refuse_call(type, ".__new__" + describe(*arguments));
    call(type, arguments);
  }

  /// INST and OBJ, the ways of protocol 0 and 1 to make an object.
  void make_old_object(Value type, std::vector<Value> arguments) {
    make(Kind::tuple)->items = std::move(arguments);
    const Value tuple = pop();
    if (!type->is(Kind::global) || find_global(type->text) != PickleGlobal::record) refuse_call(type, describe(*tuple));
    call(type, tuple);
  }

  void set_state() {
    const Value state = pop();
    PickleValue* value = top();
    if (is_array(*value)) return fill_array(*value, *state, [this](std::uint64_t bytes) { charge(bytes); });
    if (value->is(Kind::record)) {
      value->state = state;
    } else if (!value->is(Kind::dict)) {  // a state dict carries attributes that nobody needs
      fail(ErrorCode::bad_model, "The file is refused: loaded with Python, it would have called {}.__setstate__({}).", describe(*value),
           describe(*state));
    }
  }

  void make_outside_object() {
    PickleValue object = outside_(*pop());
    charge(object.span.key.size() + 8 * (object.size.size() + object.stride.size()));
    make(std::move(object));
  }

  void charge(std::uint64_t bytes) {
    if (bytes > copies_left_) fail(ErrorCode::bad_model, "The pickle would grow far beyond its size in memory; it is not read.");
    copies_left_ -= bytes;
  }

  [[noreturn]] void damaged(const char* what) const {
    fail(ErrorCode::bad_model, "The pickle is damaged or not of a known kind: before its byte {} it has {}.", bytes_.position(), what);
  }

  bool step(std::uint8_t code);

  PickleBytes bytes_;
  const OutsideObject& outside_;
  std::uint64_t copies_left_;
  std::shared_ptr<PickleTree> tree_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value> memo_;
  std::set<std::string> records_;
  std::string stranger_;  ///< the first global that is not allowed
};

/// One opcode; false: the end.
bool Machine::step(std::uint8_t code) {
  const auto number = [this](int bytes) { return bytes_.unsigned_number(bytes); };
  switch (code) {
    case '.': return false;
    case 0x80: number(1); break;  // protocol
    case 0x95: number(8); break;  // frame
    case '(': marks_.push_back(stack_.size()); break;
    case '0': pop(); break;
    case '1': pop_to_mark(); break;
    case '2': stack_.push_back(top()); break;

    case 'N': make(Kind::none); break;
    case 0x88: make_integer(1, Kind::boolean); break;
    case 0x89: make_integer(0, Kind::boolean); break;
    case 'I': {
      const std::string digits = bytes_.line();
      make_integer(parse_integer(digits.substr(digits == "00" || digits == "01")),
                   digits == "00" || digits == "01" ? Kind::boolean : Kind::integer);
      break;
    }
    case 'L': {
      std::string digits = bytes_.line();
      if (!digits.empty() && digits.back() == 'L') digits.pop_back();
      make_integer(parse_integer(digits));
      break;
    }
    case 'J': make_integer(bytes_.signed_number(4)); break;
    case 'K': make_integer(static_cast<std::int64_t>(number(1))); break;
    case 'M': make_integer(static_cast<std::int64_t>(number(2))); break;
    case 0x8a: make_long(number(1)); break;
    case 0x8b: make_long(number(4)); break;
    case 'F': make_real(parse_real(bytes_.line())); break;
    case 'G': make_real(bytes_.real()); break;

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

    case ']': make(Kind::list); break;
    case ')': make(Kind::tuple); break;
    case '}': make(Kind::dict); break;
    case 0x8f: make(Kind::set); break;
    case 'l': make_from_mark(Kind::list); break;
    case 't': make_from_mark(Kind::tuple); break;
    case 'd': make_from_mark(Kind::dict); break;
    case 0x91: make_from_mark(Kind::set); break;
    case 0x85: make_tuple(1); break;
    case 0x86: make_tuple(2); break;
    case 0x87: make_tuple(3); break;
    case 'a': {
      const Value item = pop();
      append({item});
      break;
    }
    case 'e':
    case 0x90: append(pop_to_mark()); break;
    case 's': {
      const Value value = pop(), key = pop();
      set_items({key, value});
      break;
    }
    case 'u': set_items(pop_to_mark()); break;

    case 'p': remember(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
    case 'q': remember(number(1)); break;
    case 'r': remember(number(4)); break;
    case 0x94: remember(memo_.size()); break;
    case 'g': recall(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
    case 'h': recall(number(1)); break;
    case 'j': recall(number(4)); break;

    case 'c': {
      const std::string module = bytes_.line();
      make_global(module, bytes_.line());
      break;
    }
    case 0x93: make_stack_global(); break;
    case 'R': {
      const Value arguments = pop();
      call(pop(), arguments);
      break;
    }
    case 0x81: make_object(false); break;
    case 0x92: make_object(true); break;
    case 'i': {
      const std::string module = bytes_.line();
      make_global(module, bytes_.line());
      const Value type = pop();
      make_old_object(type, pop_to_mark());
      break;
    }
    case 'o': {
      std::vector<Value> values = pop_to_mark();
      if (values.empty()) damaged("an object without a class");
      make_old_object(values.front(), {values.begin() + 1, values.end()});
      break;
    }
    case 'b': set_state(); break;
    case 'Q': make_outside_object(); break;
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

}  // namespace

PickleValue storage_object(const PickleValue& id) {
  const auto& items = id.items;
  const bool known = id.is(Kind::tuple) && items.size() >= 5 && items[0]->text == "storage" && items[1]->is(Kind::global) &&
                     items[2]->is(Kind::text) && items[4]->is(Kind::integer) && items[4]->integer >= 0;
  if (!known)
    fail(ErrorCode::bad_model, "The file is refused: it asks for the outside object {}; expected a storage of tensors.", describe(id));
  const auto type = find_storage_type(items[1]->text);
  if (!type) fail(ErrorCode::bad_model, "The file has numbers of the unknown type {}.", printable(items[1]->text));
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
