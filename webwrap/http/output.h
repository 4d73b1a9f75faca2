#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "http/message.h"

namespace webwrap::http {

/// Closes a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// An answer on its way to a socket: bytes, then perhaps a part of a file, which never comes into our memory.
struct Output {
  enum class Progress { done, blocked, broken };

  std::string bytes;
  std::size_t sent = 0;
  Descriptor file;
  off_t offset = 0;
  std::int64_t left = 0;  ///< of the file
  bool keep_alive = true;

  /// Writes what the socket takes now, without waiting; at most about 1 MiB, then blocked, so that others get their turn.
  Progress write(int socket);
};

/// The head of a response and, unless it answers HEAD, its body. `length`: of the body that will be sent, where that is not response.body.
Output make_output(const Response& response, bool keep_alive, std::int64_t length);

}  // namespace webwrap::http
