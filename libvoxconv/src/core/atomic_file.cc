#include "core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

void sync_path(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail(ErrorCode::io, "Cannot open {} to flush it: {}.", path.string(), std::strerror(errno));
  const int rc = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some file systems cannot sync a folder; the rename is then as durable as they make it.
  if (rc != 0 && error != EINVAL) fail(ErrorCode::io, "Cannot flush {} to disk: {}.", path.string(), std::strerror(error));
}

}  // namespace

AtomicFile::AtomicFile(std::string target) : target_(std::move(target)) {
  static std::atomic<unsigned> counter{0};
  const fs::path path(target_);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::status_known(status)) fail(ErrorCode::io, "Cannot write {}: {}.", target_, error.message());
  if (!fs::is_directory(status)) fail(ErrorCode::io, "Cannot write {}: the folder {} does not exist.", target_, folder.string());
  if (fs::is_directory(path, error)) fail(ErrorCode::io, "Cannot write {}: it is a folder.", target_);
  temporary_ = (folder / fmt::format(".{}.{}.{}.tmp{}", path.stem().string(), ::getpid(), counter++, path.extension().string())).string();
}

AtomicFile::~AtomicFile() {
  if (!committed_) std::remove(temporary_.c_str());
}

void AtomicFile::commit() {
  publish_file(temporary_, target_);
  committed_ = true;
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail(ErrorCode::io, "Cannot make the folder {}: {}.", path, error.message());
}

void publish_file(const std::string& from, const std::string& to) {
  sync_path(from, O_RDONLY);
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(ErrorCode::io, "Cannot rename {} to {}: {}.", from, to, std::strerror(errno));
  const fs::path path(to);
  sync_path(path.has_parent_path() ? path.parent_path() : fs::path("."), O_RDONLY | O_DIRECTORY);
}

void write_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) fail(ErrorCode::io, "Cannot write {}: {}.", path, std::strerror(errno));
  }
  file.commit();
}

std::string read_file(const std::string& path) {
  if (std::error_code error; !fs::exists(path, error) && !error) fail(ErrorCode::not_found, "{} does not exist.", path);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) fail(ErrorCode::io, "Cannot read {}.", path);
  return std::move(text).str();
}

}  // namespace voxconv
