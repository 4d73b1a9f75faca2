#include "worker/scratch_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "domain/id.h"

namespace webwrap {
namespace fs = std::filesystem;
namespace {

const char lock_suffix[] = ".lock";

void remove_stale(const fs::path& parent) {
  std::error_code ignored;
  for (fs::directory_iterator item(parent, ignored), end; item != end; item.increment(ignored)) {
    const fs::path lock = item->path();
    if (lock.extension() != lock_suffix) continue;
    const FileDescriptor file = hold_lock_file(lock);
    if (!file) continue;
    fs::remove_all(fs::path(lock).replace_extension(), ignored);
    fs::remove(lock, ignored);
  }
}

}  // namespace

ScratchFolder::ScratchFolder(const std::string& parent) {
  fs::create_directories(parent);
  remove_stale(parent);
  for (int attempt = 0; !lock_ && attempt < 10; ++attempt) {
    path_ = (fs::path(parent) / new_id()).string();
    lock_ = hold_lock_file(path_ + lock_suffix, O_CREAT | O_EXCL);
  }
  if (!lock_) throw std::runtime_error(fmt::format("No temporary folder can be made in {}: {}.", parent, std::strerror(errno)));
  fs::create_directory(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(path_ + lock_suffix, ignored);
}

}  // namespace webwrap
