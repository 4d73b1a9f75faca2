#include "nn/checkpoint/pickle_reader.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <set>
#include <unordered_map>

#include "core/fail.h"
#include "nn/checkpoint/pickle_globals.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t most_values = 1'000'000;     // what is made
constexpr std::uint64_t free_copies = 1u << 20;    // bytes that may be copied beyond the pickle's own size
constexpr std::size_t longest_global = 512;        // bytes of its name, which is copied wherever it is used
constexpr std::uint64_t most_steps = 16'000'000;   // opcodes, which bounds what is merely moved
constexpr std::uint64_t longest_run = 256u << 20;  // one text or run of bytes
constexpr std::uint64_t longest_line = 4096;
constexpr std::size_t longest_key = 255;  // of a storage, which each of its tensors has a copy of

[[noreturn]] void refuse_call(const PickleValue& callable, const std::string& arguments) {
  fail(ErrorCode::bad_model, "The file is refused: loaded with Python, it would have called {}{}.", describe(callable), arguments);
}

template <typename Number>
Number parse(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::bad_model, "The pickle is damaged: \"{}\" is no number.", printable(text));
  return value;
}

/// Decimal, as a pickle of protocol 0 has it. Throws Error(bad_model).
std::int64_t parse_integer(const std::string& text) { return parse<std::int64_t>(text); }
double parse_real(const std::string& text) { return parse<double>(text); }

bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
    if (!more || text.size() - i <= static_cast<std::size_t>(more)) return false;
    std::uint32_t code = lead & (0x3f >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[++i]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
      return false;
  }
  return true;
}

/// The bytes of a pickle, read one after the other. Throws Error(bad_model) where they end early.
class PickleBytes {
 public:
  PickleBytes(const std::uint8_t* data, std::uint64_t size) : data_(data), size_(size) {}

  std::uint64_t position() const { return at_; }
  std::uint64_t unsigned_number(int bytes);  ///< little-endian
  std::int64_t signed_number(int bytes);     ///< little-endian, two's complement
  double real();                             ///< big-endian, as pickle has it
  std::string text(std::uint64_t bytes);
  std::string line();  ///< up to a line feed, which is left out

 private:
  const std::uint8_t* take(std::uint64_t bytes);

  const std::uint8_t* data_;
  std::uint64_t size_, at_ = 0;
};

const std::uint8_t* PickleBytes::take(std::uint64_t bytes) {
  if (bytes > size_ - at_)
    fail(ErrorCode::bad_model, "The pickle is truncated: {} bytes are needed at its byte {}, {} are left.", bytes, at_, size_ - at_);
  const std::uint8_t* start = data_ + at_;
  at_ += bytes;
  return start;
}

std::uint64_t PickleBytes::unsigned_number(int bytes) {
  const std::uint8_t* start = take(static_cast<std::uint64_t>(bytes));
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | start[i];
  return value;
}

std::int64_t PickleBytes::signed_number(int bytes) {
  if (bytes == 0) return 0;
  const std::uint64_t value = unsigned_number(bytes);
  const int unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

double PickleBytes::real() {
  const std::uint8_t* start = take(8);
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | start[i];
  return std::bit_cast<double>(bits);
}

std::string PickleBytes::text(std::uint64_t bytes) {
  const std::uint8_t* start = take(bytes);
  return {reinterpret_cast<const char*>(start), bytes};
}

std::string PickleBytes::line() {
  const std::uint8_t* start = data_ + at_;
  const void* end = std::memchr(start, '\n', std::min(size_ - at_, longest_line));
  if (!end) fail(ErrorCode::bad_model, "The pickle is damaged: the line at its byte {} has no end.", at_);
  const auto bytes = static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(end) - start);
  at_ += bytes + 1;
  return {reinterpret_cast<const char*>(start), bytes};
}

/// The storage that a persistent id stands for: ("storage", type, key, location, count) and, in old files, (key, first, count) of a part of
/// it or None. Throws Error(bad_model) for anything else.
PickleValue storage_of(const PickleValue& id) {
  const auto& items = id.items;
  const bool known = id.is(Kind::tuple) && items.size() >= 5 && items[0]->text == "storage" && items[1]->is(Kind::global) &&
                     items[2]->is(Kind::text) && items[4]->is(Kind::integer) && items[4]->integer >= 0;
  if (!known)
    fail(ErrorCode::bad_model, "The file is refused: it asks for the outside object {}; expected a storage of tensors.", describe(id));
  const auto type = find_storage_type(items[1]->text);
  if (!type) fail(ErrorCode::bad_model, "The file has numbers of the unknown type {}.", printable(items[1]->text));
  const std::string& key = items[2]->text;
  if (key.size() > longest_key)
    fail(ErrorCode::bad_model, "The file is refused: the key {} of a storage has {} bytes, at most {} are read.", printable(key),
         key.size(), longest_key);
  PickleValue storage{Kind::storage};
  storage.span = {key, *type, 0, static_cast<std::uint64_t>(items[4]->integer)};
  if (items.size() > 5 && items[5]->is(Kind::tuple)) {
    const auto& part = items[5]->items;
    if (part.size() != 3 || part[1]->integer < 0 || part[2]->integer < 0)
      fail(ErrorCode::bad_model, "The file is damaged: the part {} of a storage cannot be.", describe(*items[5]));
    storage.span.first = static_cast<std::uint64_t>(part[1]->integer);
    storage.span.count = static_cast<std::uint64_t>(part[2]->integer);
  }
  return storage;
}

/// The values of a pickle that is being read: the stack, its marks, and what is remembered. Makes values, moves them about, and stands in
/// for what Python would import and call. Throws Error(bad_model).
class PickleStack {
 public:
  using Value = const PickleValue*;

  /// `bytes`: what is read, for messages; `size`: how much that is in all, which bounds the memory taken.
  PickleStack(const PickleBytes& bytes, std::uint64_t size);

  /// The value that is left at the end, with all others. Refuses a pickle that mentioned something it may not.
  Pickle finish();

  PickleValue* make(Kind kind);
  PickleValue* make(PickleValue value);
  void make_integer(std::int64_t number, Kind kind = Kind::integer) { make(kind)->integer = number; }
  void make_real(double number) { make(Kind::real)->real = number; }
  void make_tuple(std::size_t count);  ///< of the topmost values
  void make_from_mark(Kind kind);

  void mark() { marks_.push_back(values_.size()); }
  Value pop();
  std::vector<Value> pop_to_mark();
  void duplicate();
  void append(const std::vector<Value>& values);     ///< to the list at the top
  void set_items(const std::vector<Value>& values);  ///< key, value, key, value ... of the dict at the top
  void put_memo(std::uint64_t index);
  void memoize() { put_memo(memo_.size()); }
  void get_memo(std::uint64_t index);

  void make_global(const std::string& module, const std::string& name);
  void make_stack_global();
  void call(Value callable, Value arguments);
  void make_object(bool keywords);
  void make_old_object(Value type, std::vector<Value> arguments);  ///< INST and OBJ, the ways of protocol 0 and 1
  void set_state();
  void load_persistent();  ///< BINPERSID: a storage of the file by its id

  [[noreturn]] void damaged(const char* what) const;

 private:
  PickleValue* top();
  void charge(std::uint64_t bytes);

  const PickleBytes& bytes_;
  std::uint64_t copies_left_;
  std::shared_ptr<PickleTree> tree_;
  std::vector<Value> values_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value> memo_;
  std::set<std::string> records_;
  std::string forbidden_;  ///< the first global that is not allowed
};

PickleStack::PickleStack(const PickleBytes& bytes, std::uint64_t size)
    : bytes_(bytes), copies_left_(size * 4 + free_copies), tree_(std::make_shared<PickleTree>()) {}

Pickle PickleStack::finish() {
  const Value root = pop();
  if (!forbidden_.empty())
    fail(ErrorCode::bad_model, "The file is refused: it refers to {}, which is neither a tensor nor plain data.", forbidden_);
  return {tree_, root, bytes_.position(), {records_.begin(), records_.end()}};
}

void PickleStack::duplicate() { values_.push_back(top()); }

PickleValue* PickleStack::make(Kind kind) {
  if (tree_->size() >= most_values) fail(ErrorCode::bad_model, "The pickle has more than {} values; it is not read.", most_values);
  tree_->push_back({kind});
  values_.push_back(&tree_->back());
  return &tree_->back();
}

PickleValue* PickleStack::make(PickleValue value) {
  PickleValue* made = make(value.kind);
  *made = std::move(value);
  return made;
}

PickleStack::Value PickleStack::pop() {
  if (values_.empty() || (!marks_.empty() && values_.size() <= marks_.back())) damaged("a step that needs more values than there are");
  const Value value = values_.back();
  values_.pop_back();
  return value;
}

std::vector<PickleStack::Value> PickleStack::pop_to_mark() {
  if (marks_.empty() || marks_.back() > values_.size()) damaged("a step that needs a mark");
  const auto first = values_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Value> values(first, values_.end());
  values_.erase(first, values_.end());
  marks_.pop_back();
  return values;
}

/// The value at the top, to be changed; only those that this machine made and that may change.
PickleValue* PickleStack::top() {
  const Value value = pop();
  values_.push_back(value);
  return const_cast<PickleValue*>(value);
}

void PickleStack::make_tuple(std::size_t count) {
  std::vector<Value> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  make(Kind::tuple)->items = std::move(items);
}

void PickleStack::make_from_mark(Kind kind) {
  std::vector<Value> items = pop_to_mark();
  if (kind == Kind::dict && items.size() % 2) damaged("a key without a value");
  make(kind)->items = std::move(items);
}

void PickleStack::append(const std::vector<Value>& values) {
  PickleValue* list = top();
  if (!list->is(Kind::list) && !list->is(Kind::set) && !list->is(Kind::record)) damaged("an item for something that is no list");
  list->items.insert(list->items.end(), values.begin(), values.end());
}

void PickleStack::set_items(const std::vector<Value>& values) {
  PickleValue* dict = top();
  if (values.size() % 2 || (!dict->is(Kind::dict) && !dict->is(Kind::record))) damaged("an item for something that is no dict");
  dict->items.insert(dict->items.end(), values.begin(), values.end());
}

void PickleStack::put_memo(std::uint64_t index) {
  if (memo_.size() >= most_values) fail(ErrorCode::bad_model, "The pickle has more than {} values; it is not read.", most_values);
  memo_[index] = top();
}

void PickleStack::get_memo(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) damaged("a value that it has not had yet");
  values_.push_back(found->second);
}

void PickleStack::make_global(const std::string& module, const std::string& name) {
  if (module.size() + name.size() > longest_global)
    fail(ErrorCode::bad_model, "The file is refused: it refers to {}..., a name of {} bytes.", printable(module),
         module.size() + name.size());
  const std::string full = modern_global_name(module, name);
  if (forbidden_.empty() && !find_global(full)) forbidden_ = printable(full);  // refused at the latest at the end
  make(Kind::global)->text = full;
}

void PickleStack::make_stack_global() {
  const Value name = pop(), module = pop();
  if (!name->is(Kind::text) || !module->is(Kind::text)) damaged("a global whose name is no text");
  make_global(module->text, name->text);
}

void PickleStack::call(Value callable, Value arguments) {
  const auto use = callable->is(Kind::global) ? find_global(callable->text) : std::nullopt;
  if (!use || !arguments->is(Kind::tuple)) refuse_call(*callable, describe(*arguments));
  Made made = make_value(*use, callable->text, *arguments, [this](std::uint64_t bytes) { charge(bytes); });
  if (made.same) {
    values_.push_back(made.same);
    return;
  }
  const std::string& type = made.value.text;
  if (made.value.is(Kind::record) && type.rfind("torch.", 0) != 0 && type.rfind("numpy.", 0) != 0) records_.insert(printable(type));
  make(std::move(made.value));
}

void PickleStack::make_object(bool keywords) {
  if (keywords && !pop()->items.empty()) damaged("keyword arguments");
  const Value arguments = pop(), type = pop();
  const auto use = type->is(Kind::global) ? find_global(type->text) : std::nullopt;
  if (use != PickleGlobal::record && use != PickleGlobal::dict) refuse_call(*type, ".__new__" + describe(*arguments));
  call(type, arguments);
}

void PickleStack::make_old_object(Value type, std::vector<Value> arguments) {
  make(Kind::tuple)->items = std::move(arguments);
  const Value tuple = pop();
  if (!type->is(Kind::global) || find_global(type->text) != PickleGlobal::record) refuse_call(*type, describe(*tuple));
  call(type, tuple);
}

void PickleStack::set_state() {
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

void PickleStack::load_persistent() {
  PickleValue storage = storage_of(*pop());
  charge(storage.span.key.size());
  make(std::move(storage));
}

void PickleStack::charge(std::uint64_t bytes) {
  if (bytes > copies_left_) fail(ErrorCode::bad_model, "The pickle would grow far beyond its size in memory; it is not read.");
  copies_left_ -= bytes;
}

void PickleStack::damaged(const char* what) const {
  fail(ErrorCode::bad_model, "The pickle is damaged or not of a known kind: before its byte {} it has {}.", bytes_.position(), what);
}

/// Reads the opcodes and carries them out on a PickleStack.
class Machine {
 public:
  Machine(const std::uint8_t* data, std::uint64_t size) : bytes_(data, size), stack_(bytes_, size) {}

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
      case '2': stack_.duplicate(); break;

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

      case 'p': stack_.put_memo(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
      case 'q': stack_.put_memo(number(1)); break;
      case 'r': stack_.put_memo(number(4)); break;
      case 0x94: stack_.memoize(); break;
      case 'g': stack_.get_memo(static_cast<std::uint64_t>(parse_integer(bytes_.line()))); break;
      case 'h': stack_.get_memo(number(1)); break;
      case 'j': stack_.get_memo(number(4)); break;

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
      case 'Q': stack_.load_persistent(); break;
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

Pickle read_pickle(const std::uint8_t* data, std::uint64_t size) { return Machine(data, size).run(); }

}  // namespace voxconv::nn
