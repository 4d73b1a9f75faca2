#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace webwrap::testing {

/// A client that sends exactly the bytes it is told to. Waits 10 s at most for each byte.
class TcpClient {
 public:
  /// `receive_buffer`: 0: the system's
  explicit TcpClient(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot connect");
  }
  ~TcpClient() { ::close(fd_); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  /// False: the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  /// The next answer, head and body; empty: the connection was closed. `head_only`: of a HEAD request.
  std::string answer(bool head_only = false) {
    std::size_t head = 0;
    while ((head = input_.find("\r\n\r\n")) == input_.npos)
      if (!receive()) return take(input_.size());
    head += 4;
    const std::size_t length_at = input_.find("Content-Length: ");
    const std::size_t length = head_only || length_at > head ? 0 : std::stoul(input_.substr(length_at + 16));
    while (input_.size() < head + length)
      if (!receive()) return take(input_.size());
    return take(head + length);
  }
  std::string ask(const std::string& request, bool head_only = false) {
    send(request);
    return answer(head_only);
  }
  bool closed() {
    while (input_.empty())
      if (!receive()) return true;
    return false;
  }

 private:
  bool receive() {
    pollfd waiting = {fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) throw std::runtime_error("the server says nothing");
    char buffer[65536];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count > 0) input_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }
  std::string take(std::size_t count) {
    std::string text = input_.substr(0, count);
    input_.erase(0, count);
    return text;
  }

  int fd_;
  std::string input_;
};

inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == answer.npos ? "" : answer.substr(end + 4);
}

}  // namespace webwrap::testing
