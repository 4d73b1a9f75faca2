#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "blob/blob_store.h"
#include "http/message.h"
#include "http/response.h"
#include "http/router.h"

namespace webwrap::http {

/// A few threads that work through a queue of bounded length.
class ThreadPool {
 public:
  ThreadPool(int threads, std::size_t max_queue);
  ~ThreadPool();                            ///< works through what is queued first
  bool submit(std::function<void()> work);  ///< false: the queue is full

 private:
  void run();

  const std::size_t max_queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

class Connection;

/// Waits, in one thread, for the sockets of slow readers to take more, so that they cost no thread and no processor time; and looks at
/// all connections every half second, for those that stalled.
class WritePoller {
 public:
  WritePoller();
  ~WritePoller();
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

  const FileDescriptor epoll_, wake_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Connection>> waiting_;
  std::thread thread_;
};

struct ServerOptions {
  std::string bind = "127.0.0.1";
  int port = 8080;  ///< 0: a free one
  int io_threads = 4;
  int handler_threads = 8;
  std::size_t max_queue = 1024;  ///< requests that wait for a handler thread; past it: 503
  std::size_t max_connections = 2000;
  std::size_t connections_per_address = 200;  ///< of these; not counted where a proxy makes them all
  bool trust_proxy = false;
  std::string accel_prefix, proxy_secret;  ///< as in Config
  std::string spool_dir = "/tmp";          ///< where bodies too large for the memory lie while they come
  /// Whether the spool may hold so many bytes of bodies that are on their way; else 507 before they come.
  std::function<bool(std::int64_t bytes)> has_room = [](std::int64_t) { return true; };
  std::chrono::milliseconds head_time{30'000}, idle_time{75'000}, stall_time{60'000};
};

class Connection;

/// Room in the spool that a body on its way may take, given back with the object.
class SpoolReservation {
 public:
  SpoolReservation() = default;
  /// Adds the bytes to `total`, unless `has_room` refuses what that would be: then this is false.
  SpoolReservation(std::atomic<std::int64_t>& total, std::int64_t bytes, const std::function<bool(std::int64_t)>& has_room)
      : bytes_(bytes) {
    std::int64_t before = total;
    do {
      if (!has_room(before + bytes)) return;
    } while (!total.compare_exchange_weak(before, before + bytes));
    total_ = &total;
  }
  explicit operator bool() const { return total_ != nullptr; }
  SpoolReservation(SpoolReservation&& other) noexcept : total_(std::exchange(other.total_, nullptr)), bytes_(other.bytes_) {}
  SpoolReservation& operator=(SpoolReservation&& other) noexcept {
    std::swap(total_, other.total_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~SpoolReservation() {
    if (total_) *total_ -= bytes_;
  }

 private:
  std::atomic<std::int64_t>* total_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// What all connections of a server share.
struct ServerState {
  ServerState(const Router& router_, BlobStore& blobs_, ServerOptions options_)
      : router(router_), blobs(blobs_), options(std::move(options_)) {}

  const Router& router;
  BlobStore& blobs;
  const ServerOptions options;
  std::atomic<int> in_flight = 0;  ///< requests whose head was taken and whose answer is not wholly written
  std::atomic<bool> draining = false;
  std::atomic<std::int64_t> spooled = 0;  ///< bytes of the bodies that are in the spool or announced for it
  std::mutex mutex;
  std::map<Connection*, std::weak_ptr<Connection>> connections;
  std::map<std::string, std::size_t> of_address;  ///< connections by network_of(client)
  WritePoller writer;
  std::unique_ptr<ThreadPool> pool;
};

/// One client's connection: reads requests from bytes as they come, has them handled one after another, writes the answers. Holds a head of
/// at most 16 KiB and a body of at most 256 KiB in memory; larger bodies go to an unlinked file. Never waits for the network. Thread-safe.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerState& state, FileDescriptor socket, std::string client);
  ~Connection();

  void receive(std::string_view bytes);
  void writable();  ///< called by the WritePoller
  void check_time(std::chrono::steady_clock::time_point now);
  int socket() const { return socket_.get(); }

 private:
  enum class Stage { head, body, busy, writing, closing, closed };

  // All below: with mutex_ held.
  /// Runs what reads requests; a full disk becomes 507, any other failure ends the connection.
  template <class Work>
  void guarded(Work work);
  void advance();
  bool read_head();
  std::size_t take_body(std::string_view bytes);
  void dispatch();
  void refuse(Response response);
  void start(Output output);
  void push();
  void finish(bool broken);
  void close_now();
  void wait_until(std::chrono::milliseconds from_now);
  void begin_request();  ///< from now on the server waits for this request when it ends
  void end_request();

  void answer(const std::shared_ptr<Request>& request);  ///< in a thread of the pool, without mutex_
  Output output_of(const Request& request, Response response) const;
  Output file_output(const Request& request, Response response) const;

  ServerState& state_;
  const FileDescriptor socket_;
  const std::string client_;
  std::mutex mutex_;
  Stage stage_ = Stage::head;
  std::string input_;  ///< received, not used yet
  bool head_begun_ = false;
  bool in_flight_ = false;
  Head head_;
  std::uint64_t body_left_ = 0;
  FileDescriptor spool_;
  SpoolReservation reserved_;
  Output output_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace webwrap::http
