#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "nn/torch.h"

namespace voxconv::nn {

/// Where a tensor's numbers lie: a piece of a storage of the file.
struct StorageSpan {
  std::string key;
  torch::ScalarType type = torch::kFloat;
  std::uint64_t first = 0, count = 0;  ///< elements of the storage
};

/// One value of a pickle, as data. Values belong to a PickleTree; a value may occur in several places, even inside itself.
struct PickleValue {
  enum class Kind { none, boolean, integer, real, text, bytes, list, tuple, set, dict, global, storage, tensor, record };

  Kind kind = Kind::none;
  std::int64_t integer = 0;                ///< boolean, integer
  double real = 0;                         ///< real
  std::string text;                        ///< text (UTF-8), bytes; name of a global; class of a record
  std::vector<const PickleValue*> items;   ///< list, tuple, set; dict: key, value, key, value ...; record: what it was made from
  const PickleValue* state = nullptr;      ///< record: its fields
  StorageSpan span;                        ///< storage, tensor
  std::int64_t offset = 0;                 ///< tensor: elements from the span's first
  std::vector<std::int64_t> size, stride;  ///< tensor
  torch::Tensor tensor;                    ///< tensor: defined once the storages are known

  bool is(Kind wanted) const { return kind == wanted; }
  /// The value of a text key of a dict, or of a record's fields; null: there is none.
  const PickleValue* find(const std::string& key) const;
};

/// Owns values.
using PickleTree = std::deque<PickleValue>;

/// `text` with everything but printable ASCII escaped, at most `most` characters.
std::string printable(const std::string& text, std::size_t most = 80);

/// A text, number or truth value as text; empty for anything else.
std::string plain_text(const PickleValue& value);

/// What a dict says in plain text, by its text keys. Of a pickle, where one long text may stand in a million places, no more than
/// 1,000 values are given, and no key or text of more than 4,096 bytes.
std::map<std::string, std::string> plain_texts(const PickleValue& dict);

/// The value as Python would print it, cut short, for messages.
std::string describe(const PickleValue& value);

}  // namespace voxconv::nn
