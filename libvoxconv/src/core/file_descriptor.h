#pragma once
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace voxconv {

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
  ~FileDescriptor() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close() {
    const int error = errno;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    errno = error;
  }

 private:
  int fd_ = -1;
};

}  // namespace voxconv
