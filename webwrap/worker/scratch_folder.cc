#include "worker/scratch_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "domain/id.h"

namespace webwrap {
namespace fs = std::filesystem;
namespace {

const char lock_suffix[] = ".lock";

/// An open lock file that this process alone holds, as long as it runs; -1: another process holds it, or removed it meanwhile.
int lock_file(const fs::path& path, int flags) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (file < 0) return -1;
  struct stat held = {}, named = {};
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
      held.st_ino == named.st_ino)
    return file;
  ::close(file);
  return -1;
}

void remove_stale(const fs::path& parent) {
  std::error_code ignored;
  for (fs::directory_iterator item(parent, ignored), end; item != end; item.increment(ignored)) {
    const fs::path lock = item->path();
    if (lock.extension() != lock_suffix) continue;
    const int file = lock_file(lock, 0);
    if (file < 0) continue;
    fs::remove_all(fs::path(lock).replace_extension(), ignored);
    fs::remove(lock, ignored);
    ::close(file);
  }
}

}  // namespace

ScratchFolder::ScratchFolder(const std::string& parent) {
  fs::create_directories(parent);
  remove_stale(parent);
  for (int attempt = 0; lock_ < 0 && attempt < 10; ++attempt) {
    path_ = (fs::path(parent) / new_id()).string();
    lock_ = lock_file(path_ + lock_suffix, O_CREAT | O_EXCL);
  }
  if (lock_ < 0) throw std::runtime_error(fmt::format("No temporary folder can be made in {}: {}.", parent, std::strerror(errno)));
  fs::create_directory(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(path_ + lock_suffix, ignored);
  ::close(lock_);
}

}  // namespace webwrap
