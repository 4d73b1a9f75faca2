#pragma once
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace webwrap {

/// Owns a file descriptor and closes it, leaving errno as it is.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// What open() gave; negative: none.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    errno = error;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Opens a file that programs started from here do not inherit; none: errno says why. `mode`: of a file that is made.
inline FileDescriptor open_file(const std::string& path, int flags, mode_t mode = 0600) {
  return FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC, mode));
}

/// A lock file that this process alone holds, until it is closed. None: it cannot be opened, or, errno being EWOULDBLOCK, another process
/// holds it or removed it meanwhile.
inline FileDescriptor hold_lock_file(const std::string& path, int flags = 0) {
  FileDescriptor file = open_file(path, O_RDWR | flags);
  struct stat held = {}, named = {};
  if (!file || (::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                held.st_ino == named.st_ino))
    return file;
  errno = EWOULDBLOCK;
  return FileDescriptor();
}

}  // namespace webwrap
