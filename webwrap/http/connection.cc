#include "http/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "domain/id.h"
#include "http/message.h"
#include "http/response.h"
#include "log/log.h"

namespace webwrap::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t max_head = 16 * 1024;
constexpr std::size_t max_pipelined = 64 * 1024;  // of requests sent before the answer to the one in work has come
constexpr std::size_t max_memory_body = 256 * 1024;
constexpr std::size_t max_unrouted_body = 64 * 1024;
constexpr milliseconds linger_time(3000);  // so that the client reads the answer before it meets a reset connection

/// The disk takes no more of a request's body.
struct SpoolFull : std::runtime_error {
  using std::runtime_error::runtime_error;
};

FileDescriptor make_spool(const std::string& dir) {
  std::string path = dir + "/body-XXXXXX";
  FileDescriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0) throw SpoolFull(fmt::format("No file can be made in {}.", dir));
  ::unlink(path.c_str());
  return file;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw SpoolFull(fmt::format("A request's body cannot be kept: {}.", std::strerror(errno)));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Equal, in a time that tells nothing of where they differ.
bool same_secret(const std::string& a, const std::string& b) { return hash_secret(a) == hash_secret(b); }

Response busy(const char* detail) {
  Response response = problem(503, "busy", detail);
  response.headers.emplace_back("Retry-After", "2");
  return response;
}

std::string last_of_list(const std::string& list) {
  const std::size_t comma = list.rfind(',');
  const std::size_t first = list.find_first_not_of(" \t", comma == list.npos ? 0 : comma + 1);
  return first == list.npos ? "" : list.substr(first);
}

}  // namespace

Connection::Connection(ServerState& state, FileDescriptor socket, std::string client)
    : state_(state), socket_(std::move(socket)), client_(std::move(client)) {
  wait_until(state_.options.head_time);
}

Connection::~Connection() {
  end_request();
  state_.writer.forget(socket_.get());
  const std::lock_guard lock(state_.mutex);
  if (state_.connections.erase(this) == 0) return;  // it was not let in
  const auto mine = state_.of_address.find(network_of(client_));
  if (mine != state_.of_address.end() && --mine->second == 0) state_.of_address.erase(mine);
}

void Connection::begin_request() {
  if (!std::exchange(in_flight_, true)) ++state_.in_flight;
}

void Connection::end_request() {
  if (std::exchange(in_flight_, false)) --state_.in_flight;
}

void Connection::wait_until(milliseconds from_now) { deadline_ = steady_clock::now() + from_now; }

void Connection::receive(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::closing || stage_ == Stage::closed) return;  // dropped: the answer tells why
  guarded([&] {
    if (stage_ == Stage::body && input_.empty()) bytes.remove_prefix(take_body(bytes));
    input_.append(bytes);
    advance();
    if (input_.size() > max_pipelined) close_now();
  });
}

template <class Work>
void Connection::guarded(Work work) {
  try {
    work();
  } catch (const SpoolFull& error) {
    log(Level::error, "no room for a request's body", {{"error", error.what()}});
    refuse(problem(507, "disk_full", "The service has no room left for this; nothing was changed. Please try again later."));
  } catch (const std::exception& error) {
    log(Level::error, "connection failed", {{"error", error.what()}});
    close_now();
  }
}

void Connection::advance() {
  for (;;) {
    if (stage_ == Stage::head) {
      if (!read_head()) return;
    } else if (stage_ == Stage::body) {
      input_.erase(0, take_body(input_));
      if (body_left_ > 0) return;
      dispatch();
    } else {
      return;
    }
  }
}

bool Connection::read_head() {
  input_.erase(0, std::min(input_.find_first_not_of("\r\n"), input_.size()));  // some clients end a body with a line end
  if (input_.empty()) return false;
  if (!head_begun_) wait_until(state_.options.head_time);
  head_begun_ = true;
  const auto length = head_length(input_);
  if (length.value_or(input_.size()) > max_head) {
    refuse(problem(431, "head_too_large", "The request's header lines are longer than 16 KiB together."));
    return true;
  }
  if (!length) return false;
  auto parsed = parse_head(std::string_view(input_).substr(0, *length));
  input_.erase(0, *length);
  head_begun_ = false;
  if (Response* refused = std::get_if<Response>(&parsed)) {
    refuse(std::move(*refused));
    return true;
  }
  head_ = std::move(std::get<Head>(parsed));
  if (state_.draining) {
    refuse(busy("The service is being restarted; try again in a moment."));
    return true;
  }
  begin_request();  // a body that is on its way is waited for
  const std::size_t limit = state_.router.max_body(head_.request.method, head_.request.path).value_or(max_unrouted_body);
  if (head_.length > limit) {
    refuse(problem(413, "too_large", fmt::format("The request's body is larger than {} bytes, which this address takes at most.", limit)));
    return true;
  }
  if (head_.length > max_memory_body) {
    reserved_ = SpoolReservation(state_.spooled, static_cast<std::int64_t>(head_.length), state_.options.has_room);
    if (!reserved_) throw SpoolFull("The spool has no room for a request's body.");
    spool_ = make_spool(state_.options.spool_dir);
  }
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  if (head_.expects_continue && head_.length > 0) ::send(socket(), go_on.data(), go_on.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  body_left_ = head_.length;
  wait_until(state_.options.stall_time + milliseconds(head_.length / 4));  // at least 4 kB a second
  stage_ = Stage::body;
  return true;
}

std::size_t Connection::take_body(std::string_view bytes) {
  const std::size_t count = std::min<std::uint64_t>(bytes.size(), body_left_);
  bytes = bytes.substr(0, count);
  if (spool_.get() >= 0) {
    write_all(spool_.get(), bytes);
  } else {
    head_.request.body.append(bytes);
  }
  body_left_ -= count;
  return count;
}

void Connection::dispatch() {
  stage_ = Stage::busy;
  auto request = std::make_shared<Request>(std::move(head_.request));
  const ServerOptions& options = state_.options;
  const std::string forwarded = options.trust_proxy ? last_of_list(request->header("x-forwarded-for")) : "";
  request->client = forwarded.empty() ? client_ : forwarded;
  if (spool_.get() >= 0) request->body_file = fmt::format("/proc/self/fd/{}", spool_.get());

  const std::string offloaded = request->header("x-upload-file"), secret = request->header("x-proxy-secret");
  request->headers.erase("x-upload-file");
  request->headers.erase("x-proxy-secret");
  std::optional<Response> refused;
  if (!offloaded.empty()) {
    if (options.proxy_secret.empty() || !same_secret(secret, options.proxy_secret)) {
      refused = problem(403, "not_the_proxy", "Only the proxy in front of this service may hand over files.");
    } else {
      request->body_file = offloaded;
    }
  }
  if (!refused && !state_.pool->submit([self = shared_from_this(), request] { self->answer(request); }))
    refused = busy("The service has too much to do now; try again in a moment.");
  if (refused) {
    add_security_headers(request->path, *refused);
    start(output_of(*request, *std::move(refused)));
  }
}

void Connection::answer(const std::shared_ptr<Request>& request) {
  Output output;
  try {
    output = output_of(*request, state_.router.handle(*request));
  } catch (const std::exception& error) {
    log(Level::error, "answer failed", {{"path", request->path}, {"error", error.what()}});
    output = output_of(*request, problem(500, "internal", "Something went wrong on our side."));
  }
  const std::lock_guard lock(mutex_);
  start(std::move(output));
  guarded([&] { advance(); });
}

Output Connection::output_of(const Request& request, Response response) const {
  if (response.file) return file_output(request, std::move(response));
  const auto length = static_cast<std::int64_t>(response.body.size());
  if (request.method == Method::head) response.body.clear();  // else the client would take it for the next answer
  return make_output(response, head_.keep_alive, length);
}

Output Connection::file_output(const Request& request, Response response) const {
  const FileBody body = *response.file;
  response.body.clear();
  if (!body.download_name.empty()) {
    std::string plain = body.download_name;
    for (char& c : plain)
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '_';
    std::string encoded = encode_path(body.download_name);
    for (std::size_t at; (at = encoded.find('/')) != std::string::npos;) encoded.replace(at, 1, "%2F");
    response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain, encoded));
  }
  FileDescriptor file = open_file(state_.blobs.local_path(body.key), O_RDONLY);
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    Response missing = problem(404, "not_found", "This file is no longer there.");
    add_security_headers(request.path, missing);
    return output_of(request, std::move(missing));
  }
  if (!state_.options.accel_prefix.empty()) {
    response.headers.emplace_back("X-Accel-Redirect", state_.options.accel_prefix + encode_path(body.key));
    return make_output(response, head_.keep_alive, 0);
  }
  const std::string etag = fmt::format(
      "\"{}\"",
      hash_secret(fmt::format("{}:{}:{}.{}", body.key, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)).substr(0, 24));
  const FilePart part = choose_part(request, status.st_size, etag, response);
  Output output = make_output(response, head_.keep_alive, part.length);
  if (request.method != Method::head && part.length > 0) {
    output.file = std::move(file);
    output.offset = part.offset;
    output.left = part.length;
  }
  return output;
}

void Connection::refuse(Response response) {
  begin_request();
  head_.keep_alive = false;
  add_security_headers("/api/", response);
  start(make_output(response, false, static_cast<std::int64_t>(response.body.size())));
}

void Connection::start(Output output) {
  // The body was used: its room is there again before the client learns of it.
  spool_ = FileDescriptor();
  reserved_ = SpoolReservation();
  if (stage_ == Stage::closed) {
    end_request();
    return;
  }
  output_ = std::move(output);
  stage_ = Stage::writing;
  wait_until(state_.options.stall_time);
  push();
}

void Connection::push() {
  const std::int64_t before = static_cast<std::int64_t>(output_.sent) - output_.left;
  const Output::Progress progress = output_.write(socket());
  if (progress != Output::Progress::blocked) return finish(progress == Output::Progress::broken);
  if (static_cast<std::int64_t>(output_.sent) - output_.left != before) wait_until(state_.options.stall_time);
  state_.writer.watch(shared_from_this());
}

void Connection::finish(bool broken) {
  const bool keep_alive = output_.keep_alive;
  output_ = Output();
  end_request();
  if (broken) {
    stage_ = Stage::closed;
    ::shutdown(socket(), SHUT_RDWR);
  } else if (keep_alive) {
    stage_ = Stage::head;
    wait_until(state_.options.idle_time);
  } else {
    stage_ = Stage::closing;
    ::shutdown(socket(), SHUT_WR);
    wait_until(linger_time);
  }
  if (stage_ != Stage::head) input_ = {};
}

void Connection::close_now() {
  if (stage_ == Stage::writing) return finish(true);
  if (stage_ != Stage::busy) end_request();  // a handler still at work finds out in start() that nobody waits for its answer
  stage_ = Stage::closed;
  input_ = {};
  ::shutdown(socket(), SHUT_RDWR);
}

void Connection::writable() {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::writing) return;
  push();
  guarded([&] { advance(); });
}

void Connection::check_time(steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::busy || stage_ == Stage::closed || now < deadline_) return;
  if ((stage_ == Stage::head && head_begun_) || stage_ == Stage::body) {
    refuse(problem(408, "too_slow", "The request did not come in time."));
  } else {
    close_now();
  }
}

ThreadPool::ThreadPool(int threads, std::size_t max_queue) : max_queue_(max_queue) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= max_queue_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void ThreadPool::run() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

WritePoller::WritePoller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  if (!epoll_ || !wake_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
    throw std::runtime_error("The server cannot wait for its sockets.");
}

WritePoller::~WritePoller() {
  stop();
  waiting_.clear();
}

void WritePoller::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

void WritePoller::watch(const std::shared_ptr<Connection>& connection) {
  const int socket = connection->socket();
  epoll_event event = {};
  event.events = EPOLLOUT | EPOLLONESHOT;
  event.data.fd = socket;
  const std::lock_guard lock(mutex_);
  waiting_[socket] = connection;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event);
}

void WritePoller::forget(int socket) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr); }

bool WritePoller::wait() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 500);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd == wake_.get()) return false;
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
