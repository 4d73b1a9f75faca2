#include "worker/worker.h"

#include <csignal>
#include <filesystem>

#include "commands/commands.h"
#include "log/log.h"
#include "worker/audio_runner.h"

namespace webwrap {
namespace {

std::atomic<Worker*> running{nullptr};
static_assert(std::atomic<Worker*>::is_always_lock_free);

void stop_running(int) {
  if (Worker* worker = running) worker->stop();
}

void stop_on_signals(Worker& worker) {
  running = &worker;
  struct sigaction action = {};
  action.sa_handler = stop_running;
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
}

}  // namespace

std::string blob_path(const Config& config) { return (std::filesystem::path(config.data_dir) / "blobs").string(); }

int worker(const Config& config, double exit_when_idle, bool once) {
  voxconv::set_log_callback([](voxconv::LogLevel level, const std::string& text) {
    if (level >= voxconv::LogLevel::warning) log(level == voxconv::LogLevel::error ? Level::error : Level::warning, text);
  });
  const Disk disk(config.data_dir, config.disk_reserve_bytes);
  const auto store = open_sqlite_store(database_path(config), [&disk] { return disk.release_reserve(); });
  const auto blobs = open_local_blob_store(blob_path(config));
  const SystemClock clock;
  AudioRunner runner(config, *store, *blobs);
  runner.warm_up();
  WorkerOptions options;
  options.exit_when_idle = exit_when_idle;
  options.once = once;
  options.disk = &disk;
  Worker worker(config, *store, *blobs, clock, runner, options);
  stop_on_signals(worker);
  worker.run();
  running = nullptr;
  return 0;
}

}  // namespace webwrap
