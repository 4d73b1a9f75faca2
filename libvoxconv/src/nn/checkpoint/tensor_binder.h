#pragma once
#include <functional>
#include <memory>

#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {

/// The bytes of a storage of a file.
struct StorageBytes {
  const std::uint8_t* data = nullptr;
  std::uint64_t size = 0;
};

/// Gives every tensor of `tree` its numbers: views into `file` (which they keep alive) where they are aligned, else copies. `find` gives
/// the bytes of a storage. Every size, offset and stride is checked against its storage first, and all tensors together may not name far
/// more numbers than the file of `file_bytes` has. Throws Error(bad_model).
void bind_tensors(PickleTree& tree, const std::shared_ptr<const std::uint8_t>& file, std::uint64_t file_bytes,
                  const std::function<StorageBytes(const std::string& key)>& find);

}  // namespace voxconv::nn
