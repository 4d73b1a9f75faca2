#pragma once
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include "blob/disk.h"
#include "config/config.h"
#include "worker/job_runner.h"
#include "worker/scratch_folder.h"

namespace webwrap {

struct WorkerOptions {
  std::string name;            ///< of all workers at any time, only this one has it; empty: one is made
  double exit_when_idle = -1;  ///< seconds without a job after which run() returns; below 0: never
  bool once = false;           ///< run() returns after one job
  std::chrono::milliseconds poll{500}, heartbeat{1000};
  std::chrono::milliseconds grace{30'000};  ///< after which work that did not stop when it was told to ends with its process
  std::function<void()> end_process = [] { std::_Exit(1); };
  const Disk* disk = nullptr;  ///< where the blobs are; null: one that is never full
};

/// Takes jobs from the store, one after another, and does them with its runner. What it does with a job that does not succeed:
/// - PermanentJobError: failed, with its sentence, credits given back;
/// - it takes longer than its runner says it may: stopped, failed, credits given back; where it does not stop, this process ends;
/// - cancelled by its owner: cancelled, credits given back;
/// - any other exception: back into the queue, to be tried again after a while; failed once its attempts are used up;
/// - the lease is lost (this process slept for too long, and another one has the job): nothing of the work is kept;
/// - JobPaused: back into the queue as if it had not been taken, for a while if it says so;
/// - stop(): back into the queue at once, as if it had not been taken;
/// - the disk is full: the same, to be tried again in a minute. Nothing is taken while it is full.
/// It also ends the jobs of workers that died during their last attempt. Results, rows and credits change in one transaction.
class Worker {
 public:
  Worker(const Config&, Store&, BlobStore&, const Clock&, JobRunner&, WorkerOptions = {});

  void run();                                 ///< until stop(), or as the options say
  bool work_one();                            ///< ends abandoned jobs, then does one job; false: there was none
  void stop() noexcept { stopping_ = true; }  ///< from any thread and from a signal handler

  const std::string& name() const { return options_.name; }

 private:
  void do_job(const Job&);
  bool keep(const Job&, const JobOutput&);
  void end(const Job&, Job::State, const std::string& failure);
  void remove_upload(const Job&);
  bool has_room();
  void unclaim(const Job&, Seconds not_before);
  void requeue(const Job&, Seconds not_before);
  void retry_or_fail(const Job&, const std::string& why);
  void end_abandoned_jobs();
  void write_with_retries(const std::function<void(Transaction&)>&);

  const Config& config_;
  Store& store_;
  BlobStore& blobs_;
  const Clock& clock_;
  JobRunner& runner_;
  WorkerOptions options_;
  ScratchFolder scratch_;
  std::atomic<bool> stopping_{false};
  bool full_disk_logged_ = false;
};

}  // namespace webwrap
