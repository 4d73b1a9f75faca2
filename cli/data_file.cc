#include "data_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "voxconv/error.h"

namespace voxconv::cli {

namespace fs = std::filesystem;

void write_data_file(const std::string& path, std::string_view data) {
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  const bool in_place = fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
  // A symbolic link is kept: its target is replaced.
  const fs::path target = fs::is_symlink(path, none) && fs::is_regular_file(status) ? fs::canonical(path, none) : fs::path(path);
  // A name that no other writer of this process has; what a killed one left behind is passed over.
  static std::atomic<int> writers = 0;
  std::string written = path;
  std::FILE* file = nullptr;
  do {
    if (!in_place) written = (target.parent_path() / fmt::format(".voxconv.{}.{}.tmp", ::getpid(), ++writers)).string();
    file = std::fopen(written.c_str(), in_place ? "wb" : "wbx");
  } while (!file && !in_place && errno == EEXIST);
  const bool made = file && !in_place;
  const auto broken = [&] {
    const std::string reason = std::strerror(errno);
    if (file) std::fclose(file);
    if (made) std::remove(written.c_str());
    throw Error(ErrorCode::io, fmt::format("Cannot write {}: {}.", path, reason));
  };
  if (!file || std::fwrite(data.data(), 1, data.size(), file) != data.size() || std::fflush(file) != 0) broken();
  if (!in_place && ::fsync(::fileno(file)) != 0) broken();
  const int closed = std::fclose(file);
  file = nullptr;
  if (closed != 0 || (!in_place && std::rename(written.c_str(), target.c_str()) != 0)) broken();
}

}  // namespace voxconv::cli
