#include "core/atomic_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "core/fail.h"
#include "core/file_descriptor.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

void sync_path(const fs::path& path, int flags) {
  const FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file) fail(ErrorCode::io, "Cannot open {} to flush it: {}.", path.string(), std::strerror(errno));
  // Some file systems cannot sync a folder; the rename is then as durable as they make it.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail(ErrorCode::io, "Cannot flush {} to disk: {}.", path.string(), std::strerror(errno));
}

/// The target's own name in a hidden one that no file system finds too long.
std::string temporary_name(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  std::string stem = target.stem().string(), extension = target.extension().string();
  const std::string number = fmt::format(".{}.{}.tmp", ::getpid(), counter++);
  constexpr std::size_t longest_extension = 32;
  if (extension.size() > longest_extension) extension.clear();
  std::size_t length = std::min(stem.size(), std::size_t{NAME_MAX} - 1 - number.size() - extension.size());
  while (length > 0 && length < stem.size() && (static_cast<unsigned char>(stem[length]) & 0xC0) == 0x80) --length;  // amid a character
  return fmt::format(".{}{}{}", std::string_view(stem).substr(0, length), number, extension);
}

}  // namespace

AtomicFile::AtomicFile(std::string target) : target_(std::move(target)) {
  std::error_code error;
  if (fs::is_symlink(target_, error))
    if (const fs::path leads_to = fs::canonical(target_, error); !error) target_ = leads_to.string();
  const fs::path path(target_);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::file_status status = fs::status(folder, error);
  if (!fs::status_known(status)) fail(ErrorCode::io, "Cannot write {}: {}.", target_, error.message());
  if (!fs::is_directory(status)) fail(ErrorCode::io, "Cannot write {}: the folder {} does not exist.", target_, folder.string());
  if (fs::is_directory(path, error)) fail(ErrorCode::io, "Cannot write {}: it is a folder.", target_);
  temporary_ = (folder / temporary_name(path)).string();
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

bool takes_bytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

void write_file(const std::string& path, std::string_view text) {
  std::optional<AtomicFile> file;
  if (!takes_bytes(path)) file.emplace(path);
  {
    std::ofstream out(file ? file->path() : path, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) fail(ErrorCode::io, "Cannot write {}: {}.", path, std::strerror(errno));
  }
  if (file) file->commit();
}

std::string read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) fail(ErrorCode::not_found, "{} does not exist.", path);
  std::string text;
  char block[1 << 16];
  ssize_t got = -1;
  while (file && ((got = ::read(file.get(), block, sizeof block)) > 0 || (got < 0 && errno == EINTR)))
    text.append(block, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) fail(ErrorCode::io, "Cannot read {}: {}.", path, std::strerror(errno));
  return text;
}

}  // namespace voxconv
