#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "nn/checkpoint/pickle_bytes.h"
#include "nn/checkpoint/pickle_machine.h"

namespace voxconv::nn {

/// The values of a pickle that is being read: the stack, its marks, and what is remembered. Makes values, moves them about, and stands in
/// for what Python would import and call. Throws Error(bad_model).
class PickleStack {
 public:
  using Value = const PickleValue*;
  using Kind = PickleValue::Kind;

  /// `bytes`: what is read, for messages; `size`: how much that is in all, which bounds the memory taken.
  PickleStack(const PickleBytes& bytes, std::uint64_t size, const OutsideObject& outside);

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
  void push_top_again();
  void append(const std::vector<Value>& values);     ///< to the list at the top
  void set_items(const std::vector<Value>& values);  ///< key, value, key, value ... of the dict at the top
  void remember(std::uint64_t index);
  void remember_next() { remember(memo_.size()); }
  void recall(std::uint64_t index);

  void make_global(const std::string& module, const std::string& name);
  void make_stack_global();
  void call(Value callable, Value arguments);
  void make_object(bool keywords);
  void make_old_object(Value type, std::vector<Value> arguments);  ///< INST and OBJ, the ways of protocol 0 and 1
  void set_state();
  void make_outside_object();

  [[noreturn]] void damaged(const char* what) const;

 private:
  PickleValue* top();
  void charge(std::uint64_t bytes);

  const PickleBytes& bytes_;
  const OutsideObject& outside_;
  std::uint64_t copies_left_;
  std::shared_ptr<PickleTree> tree_;
  std::vector<Value> values_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value> memo_;
  std::set<std::string> records_;
  std::string stranger_;  ///< the first global that is not allowed
};

}  // namespace voxconv::nn
