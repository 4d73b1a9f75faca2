#include "http/writer.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "http/connection.h"

namespace webwrap::http {

Writer::Writer() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    throw std::runtime_error("The server cannot wait for its sockets.");
}

Writer::~Writer() {
  stop();
  waiting_.clear();
  ::close(epoll_);
  ::close(wake_);
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  thread_.join();
}

void Writer::watch(const std::shared_ptr<Connection>& connection) {
  const int socket = connection->socket();
  epoll_event event = {};
  event.events = EPOLLOUT | EPOLLONESHOT;
  event.data.fd = socket;
  const std::lock_guard lock(mutex_);
  waiting_[socket] = connection;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT) ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
}

void Writer::forget(int socket) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr); }

bool Writer::wait() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_, events.data(), events.size(), 500);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd == wake_) return false;
    std::shared_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(events[i].data.fd);
      if (found == waiting_.end()) continue;
      connection = std::move(found->second);
      waiting_.erase(found);
    }
    connection->writable();
  }
  return true;
}

}  // namespace webwrap::http
