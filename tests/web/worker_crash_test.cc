#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <random>

#include "worker_testing.h"

extern char** environ;

namespace webwrap {
namespace {

using namespace testing;
using ::testing::IsEmpty;

constexpr int jobs_in_all = 1000, workers = 3, customers = 10;

pid_t start_worker(const Service& service) {
  std::string program = WEBWRAP_TRIVIAL_WORKER, folder = service.dir.string();
  char* arguments[] = {program.data(), folder.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

int open_jobs(Service& service) {
  int count = 0;
  service.store->read([&](Transaction& transaction) { count = transaction.jobs().queued_count() + transaction.jobs().running_count(); });
  return count;
}

/// Workers are killed at random, in the middle of whatever they do, and started again.
TEST(WorkerCrash, EveryJobHasOneResultAndIsPaidOnceThoughWorkersAreKilled) {
  Service service;
  service.clock.time = SystemClock().now();
  std::vector<std::unique_ptr<Customer>> people;
  for (int i = 0; i < customers; ++i) people.push_back(std::make_unique<Customer>(service, jobs_in_all));
  std::vector<Job> jobs;
  for (int i = 0; i < jobs_in_all; ++i) jobs.push_back(people[std::size_t(i % customers)]->order(1 + i % 3));

  std::vector<pid_t> pids;
  for (int i = 0; i < workers; ++i) pids.push_back(start_worker(service));
  std::mt19937 random(4);
  int kills = 0;
  for (int left = open_jobs(service); left > 0; left = open_jobs(service)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 300));
    pid_t& pid = pids[random() % pids.size()];
    if (left > 20) kills += ::kill(pid, SIGKILL) == 0;
    if (::waitpid(pid, nullptr, left > 20 ? 0 : WNOHANG) == pid) pid = start_worker(service);
  }
  for (const pid_t pid : pids) ::waitpid(pid, nullptr, 0);
  EXPECT_GT(kills, 10);
  RecordProperty("kills", kills);

  std::map<Id, Credits> spent;
  std::map<int, int> attempts;
  for (const Job& job : jobs) {
    const Job done = find_job(service, job.id);
    ASSERT_EQ(done.state, Job::State::done) << job.id;
    ++attempts[done.attempts];
    spent[job.account] += job.price;
    std::optional<Song> song;
    service.store->read([&](Transaction& transaction) { song = transaction.songs().find(job.song); });
    ASSERT_TRUE(song);
    EXPECT_EQ(service.blobs->read(song->converted, 0, 100), job.id);
    const std::filesystem::path folder = std::filesystem::path(service.blobs->local_path(song->converted)).parent_path();
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a killed worker's file was left";
  }
  fmt::print("{} kills; attempts of jobs:", kills);
  for (const auto& [count, number] : attempts) fmt::print(" {}x{}", number, count);
  fmt::print("\n");
  for (const auto& person : people) {
    EXPECT_EQ(person->balance(), jobs_in_all - spent[person->account.id]);
    EXPECT_EQ(person->reserved(), 0);
    service.store->read([&](Transaction& transaction) {
      EXPECT_EQ(transaction.songs().list(person->account.id, 10000).size(), std::size_t(jobs_in_all / customers));
    });
  }
  EXPECT_THAT(audit(service), IsEmpty());
}

}  // namespace
}  // namespace webwrap
