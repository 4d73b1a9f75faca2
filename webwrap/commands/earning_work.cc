#include "commands/earning_work.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "log/log.h"
#include "payments/earning_tasks.h"

namespace webwrap {
namespace {

void work(const std::stop_token& stop, const Config& config, Store& store, ConnectGateway& gateway, const Clock& clock) {
  std::mutex mutex;
  std::condition_variable_any wake;
  EarningTasks tasks(config, store, gateway, clock);
  const std::chrono::duration<double> pause(config.earnings_every_s);
  while (!stop.stop_requested()) {
    try {
      if (const int done = tasks.work()) log(Level::info, "done at the payment provider", {{"things", done}});
    } catch (const std::exception& error) {
      log(Level::error, "work at the payment provider failed", {{"error", error.what()}});
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, pause, [] { return false; });
  }
}

}  // namespace

EarningWork::EarningWork(const Config& config, Store& store, ConnectGateway& gateway, const Clock& clock) {
  if (gateway.configured()) thread_ = std::jthread([&](const std::stop_token& stop) { work(stop, config, store, gateway, clock); });
}

}  // namespace webwrap
