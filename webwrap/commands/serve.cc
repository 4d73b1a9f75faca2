#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "api/accounts.h"
#include "api/context.h"
#include "api/follows.h"
#include "api/passwords.h"
#include "api/plays.h"
#include "api/quick_jobs.h"
#include "api/uploads.h"
#include "commands/commands.h"
#include "commands/earning_work.h"
#include "commands/worker_processes.h"
#include "http/server.h"
#include "log/log.h"
#include "payments/stripe_client.h"
#include "worker/training_folder.h"

namespace webwrap {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds shutdown_timeout(20);  // for requests and jobs in work when the service ends
constexpr seconds clean_up_every(300), mail_every(5);

/// A free port, for port 0: the addresses that the service tells of itself have to be known before it listens.
int free_port() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool found = probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (!found) throw std::runtime_error("No free port was found; choose one with --port.");
  return ntohs(address.sin_port);
}

sigset_t ending_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

bool asked_to_end(const sigset_t& signals) {
  const timespec second = {1, 0};
  return ::sigtimedwait(&signals, nullptr, &second) > 0;
}

std::vector<std::string> worker_arguments(const Config& config, const std::string& config_path) {
  std::vector<std::string> arguments = {"worker", "--data-dir", config.data_dir};
  if (!config_path.empty()) arguments.insert(arguments.end(), {"--config", config_path});
  return arguments;
}

}  // namespace

int serve(const Config& given, const std::string& config_path) {
  // Blocked before any thread starts, so that only this one, which waits for them below, gets them.
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Config config = given;
  if (config.port == 0) config.port = free_port();
  const Disk disk(config.data_dir, config.disk_reserve_bytes);
  const auto store = open_sqlite_store(database_path(config), [&disk] { return disk.release_reserve(); });
  const auto blobs = open_local_blob_store(blob_path(config));
  const auto mailer = make_mailer(config);
  const auto payments = make_stripe_gateway(config);
  const auto connect = make_stripe_connect(config);
  const SystemClock clock;
  Context context{config, *store, *blobs, *mailer, *payments, clock, disk, *connect};
  configure_passwords(config.handler_threads);
  http::Router router;
  add_all_routes(router, context);
  http::ServerOptions options = http::server_options(config);
  options.has_room = [&disk](std::int64_t bytes) { return disk.has_room(bytes); };
  http::Server server(router, *blobs, options);
  server.start();
  const EarningWork earning_work(config, *store, *connect, clock);
  WorkerProcesses workers(config.workers, worker_arguments(config, config_path));
  log(Level::info, "serving", {{"address", config.base_url()}, {"data", config.data_dir}, {"workers", config.workers}});
  fmt::print("webwrap serves {}; Ctrl-C ends it.\n", config.base_url());
  std::fflush(stdout);

  auto clean_up_at = steady_clock::now(), mail_at = clean_up_at;
  do {
    try {
      workers.keep_running();
      if (steady_clock::now() >= clean_up_at) {
        clean_up_at = steady_clock::now() + clean_up_every;
        if (!disk.ensure_reserve()) log(Level::error, "disk full", {{"free_bytes", disk.free()}, {"folder", config.data_dir}});
        if (const int removed = clean_up_uploads(context)) log(Level::info, "uploads expired", {{"count", removed}});
        if (const int removed = TrainingFolder::clean_up(config, *store)) log(Level::info, "trainings removed", {{"count", removed}});
        if (const int removed = clean_up_accounts(context)) log(Level::info, "orphaned guests removed", {{"count", removed}});
        if (const int removed = remove_forgotten_blobs(context)) log(Level::info, "forgotten files removed", {{"count", removed}});
        clean_up_follows(context);
        clean_up_plays(context);
      }
      if (steady_clock::now() >= mail_at) {
        mail_at = steady_clock::now() + mail_every;
        if (const int sent = send_mailings(context)) log(Level::info, "news sent", {{"count", sent}});
      }
    } catch (const std::exception& error) {
      log(Level::error, "housekeeping failed", {{"error", error.what()}});
    }
  } while (!asked_to_end(signals));

  log(Level::info, "ending");
  const bool drained = server.stop(shutdown_timeout);
  workers.stop(shutdown_timeout);
  log(drained ? Level::info : Level::warning, drained ? "ended" : "ended, and cut requests off");
  return 0;
}

}  // namespace webwrap
