#include "http/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pistache/endpoint.h>
#include <pistache/peer.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include "http/message.h"

namespace webwrap::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char connection_data[] = "webwrap";

/// Passes what Pistache reads to our connections; each of Pistache's threads has a copy. Pistache's own parser and writer are not used: the
/// first is left idle, and nothing is ever put into the second's queues.
class InputHandler : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(InputHandler)

  explicit InputHandler(ServerState* state) : state_(state) {}

  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter) override {}

 private:
  using PeerPointer = std::shared_ptr<Pistache::Tcp::Peer>;

  void onConnection(const PeerPointer& peer) override {
    // Pistache looks at every peer's parser for its time-outs, which are set to never.
    static const auto idle_parser = std::make_shared<Pistache::Http::RequestParser>(1);
    peer->putData(ParserData, idle_parser);
    // Our own descriptor of the socket: Pistache may close its own at any time.
    FileDescriptor socket(::fcntl(peer->fd(), F_DUPFD_CLOEXEC, 3));
    if (socket.get() < 0) {
      ::shutdown(peer->fd(), SHUT_RDWR);
      return;
    }
    const std::string client = peer->address().host();
    auto connection = std::make_shared<Connection>(*state_, std::move(socket), client);
    if (!admit(connection, network_of(client))) {
      ::shutdown(peer->fd(), SHUT_RDWR);
      return;
    }
    peer->putData(connection_data, connection);
  }

  /// False where the limit of all connections or of this address is reached, so that one client with idle connections cannot lock
  /// reserved_fds out.
  bool admit(const std::shared_ptr<Connection>& connection, const std::string& network) {
    const ServerOptions& options = state_->options;
    const std::lock_guard lock(state_->mutex);
    if (state_->connections.size() >= options.max_connections) return false;
    std::size_t& of_address = state_->of_address[network];
    if (!options.trust_proxy && of_address >= options.connections_per_address) return false;
    ++of_address;
    state_->connections.emplace(connection.get(), connection);
    return true;
  }

  void onInput(const char* bytes, std::size_t length, const PeerPointer& peer) override {
    if (const auto connection = std::static_pointer_cast<Connection>(peer->tryGetData(connection_data)))
      connection->receive({bytes, length});
  }

  void onDisconnection(const PeerPointer&) override {}  // the peer holds the connection

  ServerState* state_;
};

/// As many connections as the limit on open files allows, which is raised as far as it goes.
std::size_t connection_limit(std::size_t wanted) {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  constexpr std::size_t reserved_fds = 256, fds_per_connection = 3;  // Pistache's, ours, and a file
  return limit.rlim_cur <= reserved_fds + fds_per_connection
             ? 1
             : std::min<std::size_t>(wanted, (limit.rlim_cur - reserved_fds) / fds_per_connection);
}

ServerOptions with_connection_limit(ServerOptions options) {
  options.max_connections = connection_limit(options.max_connections);
  return options;
}

void check_times(ServerState& state) {
  std::vector<std::shared_ptr<Connection>> connections;
  {
    const std::lock_guard lock(state.mutex);
    for (const auto& [pointer, weak] : state.connections)
      if (auto connection = weak.lock()) connections.push_back(std::move(connection));
  }
  const auto now = steady_clock::now();
  for (const auto& connection : connections) connection->check_time(now);
}

}  // namespace

ServerOptions server_options(const Config& config) {
  ServerOptions options;
  options.bind = config.bind;
  options.port = config.port;
  options.io_threads = config.http_threads;
  options.handler_threads = config.handler_threads;
  options.trust_proxy = config.trust_proxy;
  options.connections_per_address = static_cast<std::size_t>(config.connections_per_address);
  options.accel_prefix = config.accel_prefix;
  options.proxy_secret = config.proxy_secret;
  options.spool_dir = config.data_dir + "/spool";
  return options;
}

struct Server::Parts {
  Parts(const Router& router, BlobStore& blobs, const ServerOptions& options) : state(router, blobs, with_connection_limit(options)) {}

  ServerState state;
  std::unique_ptr<Pistache::Http::Endpoint> endpoint;
};

Server::Server(const Router& router, BlobStore& blobs, const ServerOptions& options)
    : parts_(std::make_unique<Parts>(router, blobs, options)) {}

Server::~Server() { stop(milliseconds(0)); }

void Server::start() {
  std::signal(SIGPIPE, SIG_IGN);
  ServerState& state = parts_->state;
  std::filesystem::create_directories(state.options.spool_dir);
  state.pool = std::make_unique<ThreadPool>(state.options.handler_threads, state.options.max_queue);
  namespace Net = Pistache;
  auto endpoint =
      std::make_unique<Net::Http::Endpoint>(Net::Address(state.options.bind, Net::Port(static_cast<std::uint16_t>(state.options.port))));
  const auto never = std::chrono::hours(24 * 365 * 100);
  endpoint->init(
      Net::Http::Endpoint::options()
          .threads(state.options.io_threads)
          .flags(Net::Flags<Net::Tcp::Options>(Net::Tcp::Options::ReuseAddr) | Net::Tcp::Options::NoDelay | Net::Tcp::Options::CloseOnExec)
          .headerTimeout(never)
          .bodyTimeout(never)
          .keepaliveTimeout(never));
  endpoint->setHandler(std::make_shared<InputHandler>(&state));
  try {
    endpoint->serveThreaded();
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("Cannot listen on {} port {}: {}; choose another with --port.", state.options.bind, state.options.port, error.what()));
  }
  parts_->endpoint = std::move(endpoint);
  state.writer.start([&state] { check_times(state); });
}

int Server::port() const { return parts_->endpoint ? static_cast<int>(static_cast<std::uint16_t>(parts_->endpoint->getPort())) : 0; }

bool Server::stop(milliseconds timeout) {
  ServerState& state = parts_->state;
  if (!parts_->endpoint) return true;
  state.draining = true;
  const auto end = steady_clock::now() + timeout;
  while (state.in_flight > 0 && steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(10));
  const bool drained = state.in_flight == 0;
  parts_->endpoint->shutdown();
  parts_->endpoint.reset();  // joins Pistache's threads; connections in work live on
  state.writer.stop();
  state.pool.reset();
  return drained;
}

}  // namespace webwrap::http
