#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace webwrap::http {

class Connection;

/// Waits, in one thread, for the sockets of slow readers to take more, so that they cost no thread and no processor time; and looks at
/// all connections every half second, for those that stalled.
class Writer {
 public:
  Writer();
  ~Writer();
  template <class Tick>
  void start(Tick tick) {
    thread_ = std::thread([this, tick] { run(tick); });
  }
  void stop();
  /// Calls connection->writable() once, when its socket takes bytes again or is broken.
  void watch(const std::shared_ptr<Connection>& connection);
  void forget(int socket);

 private:
  template <class Tick>
  void run(Tick tick) {
    while (wait()) tick();
  }
  bool wait();  ///< for half a second at most; false: stop

  int epoll_, wake_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Connection>> waiting_;
  std::thread thread_;
};

}  // namespace webwrap::http
