#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {

/// What a pickle holds.
struct Pickle {
  std::shared_ptr<PickleTree> tree;
  const PickleValue* root = nullptr;
  std::uint64_t bytes = 0;           ///< its length
  std::vector<std::string> records;  ///< classes other than torch's and numpy's that became records, each once
};

/// Reads one pickle (protocols 0 to 5) from the start of `data`, as data: there is no call, import or attribute here that a file could use.
/// What Python would build by calling is built only for the names in pickle_globals.h; a persistent id can only be a storage of the file,
/// as torch.save() writes it. Takes memory in proportion to the pickle. Tensors have no numbers yet, except numpy's. Throws
/// Error(bad_model), without the file's name.
Pickle read_pickle(const std::uint8_t* data, std::uint64_t size);

}  // namespace voxconv::nn
