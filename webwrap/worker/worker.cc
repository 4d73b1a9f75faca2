#include "worker/worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "blob/blob_store.h"
#include "domain/error.h"
#include "domain/id.h"
#include "log/log.h"
#include "store/job_end.h"
#include "store/royalties.h"
#include "store/voice_steps.h"
#include "voxconv/error.h"
#include "worker/heartbeat.h"
#include "worker/training_folder.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;

const char gave_up_message[] =
    "It went wrong on our side, several times. Nothing is the matter with your recording; please try again later.";

/// The lease was lost before the work could be kept.
struct LeaseLost {};

constexpr Seconds disk_full_retry_s = 60;

/// 5 s after the first attempt, then four times as long each time, at most 10 minutes.
Seconds back_off(int attempts) { return std::min<Seconds>(600, Seconds(5) << std::min(2 * (attempts - 1), 20)); }

/// Watches for stop() and the time while the runner works, which looks at its cancel token only.
class JobWatchdog {
 public:
  using Clock = std::chrono::steady_clock;

  /// `overdue`: called once, in another thread, where the work goes on `grace` after it was told to stop because of the time.
  /// `used_up`: whether the disk takes no more.
  JobWatchdog(const std::atomic<bool>& stopping, voxconv::CancelToken cancel, double time_limit_s, std::chrono::milliseconds grace,
              std::function<bool()> used_up, std::function<void()> overdue)
      : end_(Clock::now() + std::chrono::milliseconds(std::llround(std::min(time_limit_s, 1e9) * 1000))),
        thread_([this, &stopping, cancel, grace, used_up = std::move(used_up), overdue = std::move(overdue)](std::stop_token over) mutable {
          std::unique_lock lock(mutex_);
          const auto wait_while = [&](auto going_on) {
            while (!over.stop_requested() && going_on())
              wake_.wait_for(lock, over, std::chrono::milliseconds(50), [&] { return !going_on(); });
            return !over.stop_requested();
          };
          if (!wait_while([&] { return !stopping && Clock::now() < end_ && !(out_of_room_ = used_up()); })) return;
          out_of_time_ = Clock::now() >= end_;
          cancel.cancel();
          if (out_of_time_ && wait_while([&] { return Clock::now() < end_ + grace; })) overdue();
        }) {}
  bool out_of_time() const { return out_of_time_; }
  bool out_of_room() const { return out_of_room_; }

 private:
  const Clock::time_point end_;
  std::atomic<bool> out_of_time_ = false, out_of_room_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

/// The library's own errors do not tell, but the JobWatchdog notices a disk that became full.
bool is_disk_full(const std::exception& error) {
  if (const auto* service = dynamic_cast<const ServiceError*>(&error)) return service->status() == 507;
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  return system && system->code() == std::errc::no_space_on_device;
}

const char* out_of_time(Job::Kind kind) {
  return kind == Job::Kind::analyse ? "It takes too long to read this file. Save it as a plain wav, flac or mp3 file and upload that."
                                    : "It took far longer than it should and was stopped. Nothing was charged; please try again later.";
}

}  // namespace

Worker::Worker(const Config& config, Store& store, BlobStore& blobs, const Clock& clock, JobRunner& runner, WorkerOptions options)
    : config_(config),
      store_(store),
      blobs_(blobs),
      clock_(clock),
      runner_(runner),
      options_(std::move(options)),
      scratch_((fs::path(config.data_dir) / "tmp").string()) {
  if (options_.name.empty()) options_.name = fmt::format("{}-{}", ::getpid(), new_id());
}

void Worker::run() {
  log(Level::info, "worker started", {{"worker", name()}});
  auto last_work = std::chrono::steady_clock::now();
  while (!stopping_) {
    bool worked = false;
    try {
      worked = work_one();
    } catch (const ServiceError& error) {
      if (error.status() != 503 && error.status() != 507) throw;
      log(Level::warning, "the database cannot be written now", {{"worker", name()}, {"error", error.what()}});
    }
    const auto now = std::chrono::steady_clock::now();
    if (worked) {
      last_work = now;
      if (options_.once) break;
      continue;
    }
    if (options_.exit_when_idle >= 0 && std::chrono::duration<double>(now - last_work).count() >= options_.exit_when_idle) break;
    for (const auto until = now + options_.poll; !stopping_ && std::chrono::steady_clock::now() < until;)
      std::this_thread::sleep_for(std::min(options_.poll, std::chrono::milliseconds(50)));
  }
  log(Level::info, "worker stopped", {{"worker", name()}});
}

/// Tells once, when that changes.
bool Worker::has_room() {
  const bool full = options_.disk && options_.disk->is_full();
  if (full != full_disk_logged_)
    log(full ? Level::error : Level::info, full ? "disk full, jobs wait" : "disk has room again", {{"worker", name()}});
  full_disk_logged_ = full;
  return !full;
}

bool Worker::work_one() {
  end_abandoned_jobs();
  if (!has_room()) return false;
  std::optional<Job> job;
  store_.write([&](Transaction& transaction) {
    job = transaction.jobs().claim(options_.name, clock_.up(), config_.lease_s, config_.max_attempts, clock_.now());
  });
  if (!job) return false;
  do_job(*job);
  return true;
}

void Worker::do_job(const Job& job) {
  const auto start = std::chrono::steady_clock::now();
  const std::string folder = (fs::path(scratch_.path()) / job.id).string();
  fs::create_directories(folder);
  JobProgress progress;
  voxconv::CancelToken cancel;
  Heartbeat heart(store_, clock_, job, progress, cancel, config_.lease_s, options_.heartbeat);
  std::string how = "done";
  const auto fail_out_of_time = [&] { end(job, Job::State::failed, out_of_time(job.kind)); };
  const auto used_up = [this] { return options_.disk && options_.disk->is_critical(); };
  JobWatchdog watchdog(stopping_, cancel, runner_.time_limit_s(job), options_.grace, used_up, [&] {
    log(Level::error, "job does not stop, its worker ends", {{"job", job.id}, {"worker", name()}});
    fail_out_of_time();
    options_.end_process();
  });
  try {
    const JobOutput output = runner_.run({job, folder, progress, cancel});
    heart.stop();
    if (!keep(job, output)) how = "no longer wanted";
  } catch (const PermanentJobError& error) {
    heart.stop();
    how = fmt::format("refused: {}", error.what());
    end(job, Job::State::failed, error.what());
  } catch (const JobPaused& pause) {
    heart.stop();
    how = fmt::format("paused: {}", pause.what());
    if (heart.state() == Heartbeat::State::cancel_wanted)
      end(job, Job::State::cancelled, "");
    else
      unclaim(job, pause.wait_s > 0 ? clock_.up() + pause.wait_s : 0);
  } catch (const std::exception& error) {
    heart.stop();
    if (heart.state() == Heartbeat::State::lost) {
      how = "lease lost";
    } else if (heart.state() == Heartbeat::State::cancel_wanted) {
      how = "cancelled";
      end(job, Job::State::cancelled, "");
    } else if (is_disk_full(error) || watchdog.out_of_room() || used_up()) {
      how = "waits for room on the disk";
      unclaim(job, clock_.up() + disk_full_retry_s);
    } else if (watchdog.out_of_time()) {
      how = "out of time";
      fail_out_of_time();
    } else if (stopping_) {
      how = "given back";
      unclaim(job, 0);
    } else {
      how = fmt::format("error: {}", error.what());
      retry_or_fail(job, error.what());
    }
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  log(Level::info, "job ended", {{"job", job.id}, {"attempt", job.attempts}, {"worker", name()}, {"how", how}, {"seconds", took.count()}});
}

std::string attempt_key(const std::string& folder, int attempt, const std::string& name) {
  return fmt::format("{}/{}-{}", folder, attempt, name);
}

nlohmann::json JobOutput::described(int attempt) const {
  nlohmann::json all = nlohmann::json::object();
  for (const File& file : files) {
    const bool in_file = !file.path.empty();
    all[attempt_key(file.folder, attempt, file.name)] = {{"size", in_file ? fs::file_size(file.path) : file.bytes.size()},
                                                         {"sha256", in_file ? sha256_of_file(file.path) : hash_secret(file.bytes)}};
  }
  return all;
}

void JobOutput::include(JobOutput other) {
  files.insert(files.end(), other.files.begin(), other.files.end());
  if (!obsolete) obsolete = other.obsolete;
  if (!other.keep) return;
  keep = [first = std::move(keep), second = std::move(other.keep)](Transaction& transaction) {
    return (!first || first(transaction)) && second(transaction);
  };
}

bool Worker::keep(const Job& job, const JobOutput& output) {
  const auto remove_files = [&](int attempt) {
    for (const JobOutput::File& file : output.files) blobs_.remove(attempt_key(file.folder, attempt, file.name));
  };
  bool kept = false, lost = false;
  try {
    for (const JobOutput::File& file : output.files) {
      const std::string key = attempt_key(file.folder, job.attempts, file.name);
      if (file.path.empty())
        blobs_.put(key, file.bytes);
      else
        blobs_.put_file(key, file.path);
    }
    write_with_retries([&](Transaction& transaction) {
      const auto now = transaction.jobs().find(job.id);
      kept = now && !now->cancel_wanted && (!output.keep || output.keep(transaction));
      const Job::State state = kept ? Job::State::done : Job::State::cancelled;
      if (!transaction.jobs().finish(job.id, job.attempts, job.worker, state, kept ? output.result : "", "", clock_.now()))
        throw LeaseLost();
      settle(transaction, job, state, clock_.now());
      if (!kept && job.kind == Job::Kind::train) voice_steps::end_training(transaction, job.voice);
      if (kept) note_spending(transaction, job, {config_.currency, config_.credit_price()}, clock_.now());
    });
  } catch (const LeaseLost&) {
    kept = false;
    lost = true;
  } catch (...) {
    remove_files(job.attempts);
    throw;
  }
  if (!kept) remove_files(job.attempts);
  if (!kept && !lost && job.kind == Job::Kind::picture) remove_upload(job);
  // What workers left that were killed between their files and their transaction.
  if (kept)
    for (int attempt = 1; attempt < job.attempts; ++attempt) remove_files(attempt);
  if (kept && job.kind == Job::Kind::train) TrainingFolder::remove(config_, job.voice);
  if (kept && output.obsolete)
    for (const std::string& key : *output.obsolete) blobs_.remove(key);
  return kept;
}

void Worker::end(const Job& job, Job::State state, const std::string& failure) {
  bool ended = false;
  write_with_retries([&](Transaction& transaction) { ended = end_without_result(transaction, job, state, failure, clock_.now()); });
  if (!ended) return;
  if (job.kind == Job::Kind::train) {
    TrainingFolder::remove(config_, job.voice);
    // What a killed worker made; of a voice that is being trained there is nothing else yet.
    blobs_.remove_all("voices/" + job.voice + "/");
  }
  if (job.kind == Job::Kind::convert && !job.song.empty()) blobs_.remove_all("songs/" + job.song + "/");
  if (job.kind == Job::Kind::picture) remove_upload(job);
  if (job.recording.empty()) return;
  bool gone = false;  // what a killed worker made of it lies there, too
  store_.read([&](Transaction& transaction) { gone = !transaction.recordings().find(job.recording); });
  if (gone) blobs_.remove_all("recordings/" + job.recording + "/");
}

/// Of a picture, for which nobody asks again.
void Worker::remove_upload(const Job& job) { blobs_.remove(nlohmann::json::parse(job.parameters).at("upload")); }

void Worker::unclaim(const Job& job, Seconds not_before) {
  write_with_retries([&](Transaction& transaction) { transaction.jobs().unclaim(job.id, job.attempts, job.worker, not_before); });
}

void Worker::requeue(const Job& job, Seconds not_before) {
  write_with_retries([&](Transaction& transaction) { transaction.jobs().retry(job.id, job.attempts, job.worker, not_before); });
}

void Worker::retry_or_fail(const Job& job, const std::string& why) {
  log(Level::error, "job failed", {{"job", job.id}, {"attempt", job.attempts}, {"worker", name()}, {"error", why}});
  if (job.attempts >= config_.max_attempts)
    end(job, Job::State::failed, gave_up_message);
  else
    requeue(job, clock_.up() + back_off(job.attempts));
}

void Worker::end_abandoned_jobs() {
  std::vector<Job> jobs;
  store_.read([&](Transaction& transaction) { jobs = transaction.jobs().abandoned(clock_.up(), config_.max_attempts); });
  for (const Job& job : jobs)
    end(job, job.cancel_wanted ? Job::State::cancelled : Job::State::failed, job.cancel_wanted ? "" : gave_up_message);
}

void Worker::write_with_retries(const std::function<void(Transaction&)>& work) {
  for (int attempt = 1;; ++attempt) {
    try {
      store_.write(work);
      return;
    } catch (const ServiceError& error) {
      if ((error.status() != 503 && error.status() != 507) || attempt == 10) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace webwrap
