#include "data_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "voxconv/error.h"

namespace voxconv::cli {

void write_data_file(const std::string& path, std::string_view data) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  const auto broken = [&] {
    const std::string reason = std::strerror(errno);
    if (file) std::fclose(file);
    std::remove(temporary.c_str());
    throw Error(ErrorCode::io, fmt::format("Cannot write {}: {}.", path, reason));
  };
  if (!file || std::fwrite(data.data(), 1, data.size(), file) != data.size() || std::fflush(file) != 0 || ::fsync(::fileno(file)) != 0)
    broken();
  const int closed = std::fclose(file);
  file = nullptr;
  if (closed != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) broken();
}

}  // namespace voxconv::cli
