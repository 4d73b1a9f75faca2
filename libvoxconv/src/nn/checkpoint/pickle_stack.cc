#include "nn/checkpoint/pickle_stack.h"

#include "core/fail.h"
#include "nn/checkpoint/pickle_globals.h"

namespace voxconv::nn {
namespace {

constexpr std::size_t most_values = 1'000'000;   // what is made
constexpr std::uint64_t free_copies = 1u << 20;  // bytes that may be copied beyond the pickle's own size
constexpr std::size_t longest_global = 512;      // bytes of its name, which is copied wherever it is used

[[noreturn]] void refuse_call(const PickleValue& callable, const std::string& arguments) {
  fail(ErrorCode::bad_model, "The file is refused: loaded with Python, it would have called {}{}.", describe(callable), arguments);
}

}  // namespace

PickleStack::PickleStack(const PickleBytes& bytes, std::uint64_t size, const OutsideObject& outside)
    : bytes_(bytes), outside_(outside), copies_left_(size * 4 + free_copies), tree_(std::make_shared<PickleTree>()) {}

Pickle PickleStack::finish() {
  const Value root = pop();
  if (!stranger_.empty())
    fail(ErrorCode::bad_model, "The file is refused: it refers to {}, which is neither a tensor nor plain data.", stranger_);
  return {tree_, root, bytes_.position(), {records_.begin(), records_.end()}};
}

void PickleStack::push_top_again() { values_.push_back(top()); }

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

void PickleStack::remember(std::uint64_t index) {
  if (memo_.size() >= most_values) fail(ErrorCode::bad_model, "The pickle has more than {} values; it is not read.", most_values);
  memo_[index] = top();
}

void PickleStack::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) damaged("a value that it has not had yet");
  values_.push_back(found->second);
}

void PickleStack::make_global(const std::string& module, const std::string& name) {
  if (module.size() + name.size() > longest_global)
    fail(ErrorCode::bad_model, "The file is refused: it refers to {}..., a name of {} bytes.", printable(module),
         module.size() + name.size());
  const std::string full = modern_global_name(module, name);
  if (stranger_.empty() && !find_global(full)) stranger_ = printable(full);  // refused at the latest at the end
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

void PickleStack::make_outside_object() {
  PickleValue object = outside_(*pop());
  charge(object.span.key.size() + 8 * (object.size.size() + object.stride.size()));
  make(std::move(object));
}

void PickleStack::charge(std::uint64_t bytes) {
  if (bytes > copies_left_) fail(ErrorCode::bad_model, "The pickle would grow far beyond its size in memory; it is not read.");
  copies_left_ -= bytes;
}

void PickleStack::damaged(const char* what) const {
  fail(ErrorCode::bad_model, "The pickle is damaged or not of a known kind: before its byte {} it has {}.", bytes_.position(), what);
}

}  // namespace voxconv::nn
