#include "worker/heartbeat.h"

#include <nlohmann/json.hpp>

#include "log/log.h"

namespace webwrap {

void JobProgress::report(double progress, const std::string& stage) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
  stage_ = stage;
}

std::pair<double, std::string> JobProgress::now() const {
  const std::lock_guard lock(mutex_);
  return {progress_, stage_};
}

Heartbeat::Heartbeat(Store& store, const Clock& clock, const Job& job, JobProgress& progress, voxconv::CancelToken cancel, Seconds lease,
                     std::chrono::milliseconds interval)
    : store_(store),
      clock_(clock),
      job_(job),
      progress_(progress),
      cancel_(std::move(cancel)),
      lease_(lease),
      interval_(interval),
      thread_([this] { run(); }) {}

void Heartbeat::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Heartbeat::beat() {
  const std::pair<double, std::string> progress = progress_.now();
  State found = State::beating;
  store_.write([&](Transaction& transaction) {
    if (transaction.jobs().heartbeat(job_.id, job_.attempts, job_.worker, progress.first, progress.second, clock_.up(), lease_)) return;
    const auto now = transaction.jobs().find(job_.id);
    const bool ours =
        now && now->state == Job::State::running && now->attempts == job_.attempts && now->worker == job_.worker && now->cancel_wanted;
    found = ours ? State::cancel_wanted : State::lost;
  });
  if (found == State::beating) return;
  state_ = found;
  cancel_.cancel();
}

void Heartbeat::run() {
  const auto pause = std::min(interval_, std::chrono::milliseconds(lease_ * 1000 / 3));
  std::unique_lock lock(mutex_);
  while (state_ == State::beating && !wake_.wait_for(lock, pause, [&] { return stopping_; })) {
    lock.unlock();
    try {
      beat();
    } catch (const std::exception& error) {  // the lease lasts for some more tries
      log(Level::warning, "heartbeat failed", {{"job", job_.id}, {"error", error.what()}});
    }
    lock.lock();
  }
}

}  // namespace webwrap
