// A model file is data: whatever bytes a voice.json or a weights.safetensors holds, loading it ends in a voice or in a voxconv::Error.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>

#include "models/bundle.h"
#include "models/voice_model.h"
#include "nn/safetensors.h"
#include "voxconv/error.h"

namespace {
namespace fs = std::filesystem;

/// The one bundle folder that every input is written into, in memory where there is a memory file system.
struct BundleFolder {
  BundleFolder() {
    const fs::path parent = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    path = parent / ("voxconv_fuzz_bundle." + std::to_string(getpid()));
    fs::create_directories(path);
  }
  ~BundleFolder() { fs::remove_all(path); }
  fs::path path;
};

void write(const fs::path& path, const std::uint8_t* data, std::size_t size) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void read_every_tensor(const std::string& path) {
  const voxconv::nn::Safetensors file(path);
  volatile std::uint64_t sum = 0;
  for (const std::string& name : file.names()) {
    const torch::Tensor tensor = file.get(name).contiguous();
    const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
    sum = std::accumulate(bytes, bytes + tensor.nbytes(), std::uint64_t{sum});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool is_json = size > 0 && data[0] == '{';  // a safetensors file starts with the length of its header
  static const BundleFolder bundle;
  write(bundle.path / (is_json ? "voice.json" : "weights.safetensors"), data, size);
  try {
    if (is_json) {
      voxconv::nn::save_safetensors((bundle.path / "weights.safetensors").string(), {{"none", torch::zeros({1})}});
      voxconv::load_voice_model(bundle.path.string(), torch::kCPU, torch::kFloat);
    } else {
      read_every_tensor((bundle.path / "weights.safetensors").string());
    }
  } catch (const voxconv::Error&) {
  }
  return 0;
}
