#include "commands/worker_processes.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "log/log.h"

namespace webwrap {
namespace {

using std::chrono::seconds;

constexpr int niceness = 10;  // the answers to people come first
constexpr seconds max_pause(60), early_exit(30);

/// Replaces this process by a worker; what runs between fork and exec may only call what is safe in a signal handler.
[[noreturn]] void exec_worker(char* const* arguments, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);  // the parent has ended already
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setpriority(PRIO_PROCESS, 0, niceness);
  ::close_range(3, ~0U, 0);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

}  // namespace

WorkerProcesses::WorkerProcesses(int count, std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), workers_(static_cast<std::size_t>(count)) {
  arguments_.insert(arguments_.begin(), "webwrap");
}

WorkerProcesses::~WorkerProcesses() { stop(std::chrono::milliseconds(0)); }

void WorkerProcesses::start(Worker& worker) {
  std::vector<char*> arguments;
  for (std::string& argument : arguments_) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid(), process = ::fork();
  if (process < 0) throw std::runtime_error(fmt::format("No worker can be started: {}.", std::strerror(errno)));
  if (process == 0) exec_worker(arguments.data(), parent);
  worker.process = process;
  worker.started = Clock::now();
  log(Level::info, "worker started", {{"worker", process}});
}

void WorkerProcesses::reap(Worker& worker) {
  int status = 0;
  if (worker.process == 0 || ::waitpid(worker.process, &status, WNOHANG) != worker.process) return;
  const auto now = Clock::now();
  worker.pause = now - worker.started > early_exit ? seconds(1) : std::clamp(worker.pause * 2, seconds(1), max_pause);
  worker.start_at = now + worker.pause;
  log(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Level::info : Level::warning, "worker ended",
      {{"worker", worker.process},
       {WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)}});
  worker.process = 0;
}

void WorkerProcesses::keep_running() {
  for (Worker& worker : workers_) {
    reap(worker);
    if (worker.process == 0 && Clock::now() >= worker.start_at) start(worker);
  }
}

bool WorkerProcesses::any_running() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.process != 0; });
}

void WorkerProcesses::stop(std::chrono::milliseconds timeout) {
  for (const Worker& worker : workers_)
    if (worker.process != 0) ::kill(worker.process, SIGTERM);
  const auto end = Clock::now() + timeout;
  while (any_running() && Clock::now() < end) {
    for (Worker& worker : workers_) reap(worker);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (Worker& worker : workers_) {
    if (worker.process == 0) continue;
    ::kill(worker.process, SIGKILL);  // its job goes to another worker when its lease runs out
    ::waitpid(worker.process, nullptr, 0);
    worker.process = 0;
  }
}

}  // namespace webwrap
