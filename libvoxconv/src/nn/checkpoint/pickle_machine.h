#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {

/// What a pickle holds.
struct Pickle {
  std::shared_ptr<PickleTree> tree;
  const PickleValue* root = nullptr;
  std::uint64_t bytes = 0;           ///< how long it was
  std::vector<std::string> records;  ///< classes other than torch's and numpy's that became records, each once
};

/// What a pickle means by `id`, a thing outside itself: a storage or tensor of its file. Throws Error(bad_model) for anything else.
using OutsideObject = std::function<PickleValue(const PickleValue& id)>;

/// The outside objects of PyTorch from 0.1.10 on: ("storage", type, key, place, count) and, in old files, (key, first, count) of a part of
/// it or None.
PickleValue storage_object(const PickleValue& id);

/// Reads one pickle (protocols 0 to 5) from the start of `data`, as data: there is no call, import or attribute here that a file could use.
/// What Python would build by calling is built only for the names in pickle_globals.h. Takes memory in proportion to the pickle. Tensors
/// have no numbers yet, except numpy's. Throws Error(bad_model), without the file's name.
Pickle read_pickle(const std::uint8_t* data, std::uint64_t size, const OutsideObject& outside = storage_object);

}  // namespace voxconv::nn
