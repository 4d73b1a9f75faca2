#include "voxconv/weights.h"

#include <filesystem>

#include "nn/safetensors.h"

namespace voxconv {

WeightsInfo inspect_weights(const std::string& path) {
  const nn::Safetensors file(path);
  WeightsInfo info;
  info.bytes = std::filesystem::file_size(path);
  info.metadata = file.metadata();
  for (const std::string& name : file.names()) {
    const torch::Tensor tensor = file.get(name);
    info.tensors.push_back({name, file.type_name(name), tensor.sizes().vec()});
    info.parameters += std::uint64_t(tensor.numel());
  }
  return info;
}

}  // namespace voxconv
