#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "store/store.h"
#include "worker/job_runner.h"

namespace webwrap {

/// Renews a job's lease and tells its progress from a thread of its own, as long as it lives. Where the job is no longer this worker's, or
/// is to be cancelled, it cancels the work.
class Heartbeat {
 public:
  enum class State { beating, cancel_wanted, lost };

  /// `interval`: how often it beats; after a third of the lease at the latest.
  Heartbeat(Store& store, const Clock& clock, const Job& job, JobProgress& progress, voxconv::CancelToken cancel, Seconds lease,
            std::chrono::milliseconds interval);
  ~Heartbeat() { stop(); }

  void stop();  ///< returns once no more beat will come
  State state() const { return state_; }

 private:
  void beat();
  void run();

  Store& store_;
  const Clock& clock_;
  const Job job_;
  JobProgress& progress_;
  voxconv::CancelToken cancel_;
  const Seconds lease_;
  const std::chrono::milliseconds interval_;
  std::atomic<State> state_{State::beating};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace webwrap
