// A retrieval index is data: whatever bytes the file holds, loading and searching it ends in frames or in a voxconv::Error.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "features/retrieval/retrieval_index.h"
#include "voxconv/error.h"

namespace {
namespace fs = std::filesystem;

/// The one file that every input is written into, in memory where there is a memory file system.
struct IndexFile {
  IndexFile() {
    const fs::path folder = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    path = (folder / ("voxconv_fuzz_retrieval." + std::to_string(getpid()))).string();
  }
  ~IndexFile() { fs::remove(path); }
  std::string path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const IndexFile file;
  std::ofstream(file.path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const auto index = voxconv::load_retrieval_index(file.path, {.probes = 2});
    index->nearest(torch::ones({2, index->dim()}));
  } catch (const voxconv::Error&) {
  }
  return 0;
}
