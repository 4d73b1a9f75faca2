#include "core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/fail.h"

namespace voxconv {
namespace {

constexpr std::chrono::milliseconds look_again_after{100};

/// Whether the open file is still the one of that name: its last holder removes it.
bool is_current(int fd, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

FileLock::FileLock(std::string path, const std::function<void()>& on_wait, const CancelToken& cancel) : path_(std::move(path)) {
  bool waiting = false;
  while (true) {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file_) fail(ErrorCode::io, "Cannot write {}: {}.", path_, std::strerror(errno));
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) {
      if (is_current(file_.get(), path_)) return;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      fail(ErrorCode::io, "Cannot lock {}: {}.", path_, std::strerror(errno));
    }
    file_.close();
    cancel.check();
    if (!waiting) on_wait();
    waiting = true;
    std::this_thread::sleep_for(look_again_after);
  }
}

FileLock::~FileLock() { ::unlink(path_.c_str()); }

}  // namespace voxconv
