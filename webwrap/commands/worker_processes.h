#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace webwrap {

/// Child processes that run this program's `worker`, at a low priority. They get SIGTERM when this process ends, also when it is killed.
class WorkerProcesses {
 public:
  using Clock = std::chrono::steady_clock;

  /// `arguments`: of the program, after its name.
  WorkerProcesses(int count, std::vector<std::string> arguments);
  ~WorkerProcesses();
  /// Starts those that do not run; one that ended soon after its start is delayed, longer each time. Call it every second or so, always
  /// from the same thread, which must outlive the workers.
  void keep_running();
  /// Asks all to end, and ends those by force that have not after `timeout`.
  void stop(std::chrono::milliseconds timeout);

 private:
  struct Worker {
    pid_t process = 0;  ///< 0: does not run
    Clock::time_point started, start_at;
    std::chrono::seconds pause{0};
  };
  void start(Worker& worker);
  void reap(Worker& worker);
  bool any_running() const;

  std::vector<std::string> arguments_;
  std::vector<Worker> workers_;
};

}  // namespace webwrap
