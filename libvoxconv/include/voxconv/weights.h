#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace voxconv {

/// One tensor of a weights file.
struct TensorInfo {
  std::string name;
  std::string type;  ///< F32, F16, BF16, I64 ...
  std::vector<std::int64_t> shape;
};

/// What a .safetensors file holds, without its numbers.
struct WeightsInfo {
  std::uint64_t bytes = 0;       ///< of the file
  std::uint64_t parameters = 0;  ///< numbers in all tensors
  std::map<std::string, std::string> metadata;
  std::vector<TensorInfo> tensors;  ///< by name
};

/// Reads and checks the header of a .safetensors file. Throws Error(not_found | bad_model).
WeightsInfo inspect_weights(const std::string& path);

}  // namespace voxconv
