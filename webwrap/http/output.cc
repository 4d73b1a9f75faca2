#include "http/output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace webwrap::http {
namespace {

constexpr std::int64_t turn_bytes = 1 << 20;

/// What a handler puts into a header must not begin another one.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Output::Progress Output::write(int socket) {
  std::int64_t turn = turn_bytes;
  while (sent < bytes.size() || left > 0) {
    if (turn <= 0) return Progress::blocked;
    ssize_t count = 0;
    if (sent < bytes.size()) {
      count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT | (left > 0 ? MSG_MORE : 0));
      if (count > 0) sent += static_cast<std::size_t>(count);
    } else {
      count = ::sendfile(socket, file.get(), &offset, static_cast<std::size_t>(std::min(left, turn)));
      if (count == 0) return Progress::broken;  // the file has become shorter
      if (count > 0) left -= count;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Progress::blocked : Progress::broken;
    turn -= count;
  }
  return Progress::done;
}

Output make_output(const Response& response, bool keep_alive, std::int64_t length) {
  Output output;
  output.keep_alive = keep_alive;
  std::string& out = output.bytes;
  out = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nConnection: {}\r\n", response.status,
                    reason_of(response.status), fmt::gmtime(std::time(nullptr)), keep_alive ? "keep-alive" : "close");
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) {
    if (!response.type.empty() && !response.find_header("Content-Type"))
      out += fmt::format("Content-Type: {}\r\n", one_line(response.type));
    if (!response.find_header("Content-Length")) out += fmt::format("Content-Length: {}\r\n", length);
  }
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", one_line(name), one_line(value));
  out += "\r\n";
  if (!bodiless) out += response.body;
  return output;
}

}  // namespace webwrap::http
