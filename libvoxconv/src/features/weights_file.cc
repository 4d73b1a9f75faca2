#include "features/weights_file.h"

#include <algorithm>
#include <vector>

#include "nn/checkpoint/checkpoint.h"

namespace voxconv {
namespace fs = std::filesystem;

std::optional<fs::path> find_weights(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : {"weights.safetensors", "model.safetensors", "pytorch_model.bin"})
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  const auto is_weights = [](const fs::path& path) {
    const std::string extension = path.extension().string();
    return extension == ".safetensors" || extension == ".pt" || extension == ".pth" || extension == ".bin";
  };
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_regular_file(ignored) && is_weights(entry.path())) found.push_back(entry.path());
  if (found.empty()) return std::nullopt;
  return *std::min_element(found.begin(), found.end());
}

nn::StateDict read_weights(const std::string& path) {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  return file.state_dict(file.root().find("model") ? file.at("model") : file.root());
}

}  // namespace voxconv
