#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <tuple>

#include "database.h"

namespace webwrap::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A queue as one worker after another sees it. Leases are 60 s, jobs may be claimed three times.
struct Queue : Database {
  std::optional<Job> claim(const std::string& worker, Seconds now) {
    std::optional<Job> job;
    store->write([&](Transaction& transaction) { job = transaction.jobs().claim(worker, now, 60, 3, now); });
    return job;
  }
  Id claimed(Seconds now = 1000) {
    const std::optional<Job> job = claim("worker", now);
    return job ? job->id : "none";
  }
  bool heartbeat(const Job& job, Seconds now) {
    return write([&](JobStore& jobs) { return jobs.heartbeat(job.id, job.attempts, job.worker, 0.5, "converting", now, 60); });
  }
  bool finish(const Job& job, Job::State state = Job::State::done) {
    return write([&](JobStore& jobs) { return jobs.finish(job.id, job.attempts, job.worker, state, "{}", "why", 2000); });
  }
  bool retry(const Job& job, Seconds not_before) {
    return write([&](JobStore& jobs) { return jobs.retry(job.id, job.attempts, job.worker, not_before); });
  }
  bool unclaim(const Job& job) {
    return write([&](JobStore& jobs) { return jobs.unclaim(job.id, job.attempts, job.worker, 0); });
  }
  bool cancel(const Id& job) {
    return write([&](JobStore& jobs) { return jobs.cancel(job, 900); });
  }
  std::vector<Id> abandoned(Seconds now) {
    std::vector<Id> ids;
    store->read([&](Transaction& transaction) {
      for (const Job& job : transaction.jobs().abandoned(now, 3)) ids.push_back(job.id);
    });
    return ids;
  }
  Job find(const Id& id) {
    Job job;
    store->read([&](Transaction& transaction) { job = transaction.jobs().find(id).value(); });
    return job;
  }

 private:
  bool write(const std::function<bool(JobStore&)>& work) {
    bool result = false;
    store->write([&](Transaction& transaction) { result = work(transaction.jobs()); });
    return result;
  }
};

TEST(Queue, GivesByPriorityThenAge) {
  Queue queue;
  const Id first = queue.add_account().id;
  const Id late = queue.add_job(first, 1, 30).id, early = queue.add_job(first, 1, 10).id, free = queue.add_job(first, 2, 5).id,
           urgent = queue.add_job(first, 0, 40).id, same = queue.add_job(first, 1, 30).id;
  std::vector<Id> order;
  for (Id id; (id = queue.claimed()) != "none";) order.push_back(id);
  EXPECT_THAT(order, ElementsAre(urgent, early, late, same, free));
}

TEST(Queue, IsFairBetweenAccounts) {
  Queue queue;
  const Id heavy = queue.add_account().id, light = queue.add_account().id, third = queue.add_account().id;
  std::vector<Id> many;
  for (int i = 0; i < 4; ++i) many.push_back(queue.add_job(heavy, 1, 10 + i).id);
  const Id one = queue.add_job(light, 1, 50).id, two = queue.add_job(light, 1, 51).id, other = queue.add_job(third, 1, 60).id;
  std::vector<Id> order;
  for (Id id; (id = queue.claimed()) != "none";) order.push_back(id);
  EXPECT_THAT(order, ElementsAre(many[0], one, other, many[1], two, many[2], many[3]));
}

/// Also where one worker is all there is, so that nobody ever has a job running when the next is taken.
TEST(Queue, IsRoundRobinBetweenAccounts) {
  Queue queue;
  const Id heavy = queue.add_account().id, light = queue.add_account().id;
  std::vector<Id> many, order;
  for (int i = 0; i < 3; ++i) many.push_back(queue.add_job(heavy, 0, 10 + i).id);
  const Id one = queue.add_job(light, 0, 50).id, two = queue.add_job(light, 0, 51).id;
  while (const std::optional<Job> job = queue.claim("w", 1000)) {
    order.push_back(job->id);
    queue.finish(*job);
  }
  EXPECT_THAT(order, ElementsAre(many[0], one, many[1], two, many[2]));
}

/// Times in the queue count from the machine's start.
TEST(Queue, ResetsLeasesOfAnEarlierBoot) {
  Queue queue;
  const Id account = queue.add_account().id, running = queue.add_job(account, 1, 1).id;
  queue.claim("w1", 5000);
  const Job later = queue.add_job(account, 1, 2);
  ASSERT_TRUE(queue.retry(queue.claim("w1", 5000).value(), 6000));
  EXPECT_FALSE(queue.claim("w2", 20));
  queue.store = open_sqlite_store(queue.path);  // the service alone was started again
  EXPECT_FALSE(queue.claim("w2", 20));
  ASSERT_EQ(queue.tamper("UPDATE boot SET id = 'an earlier one'"), "");
  queue.store = open_sqlite_store(queue.path);
  EXPECT_EQ(queue.claim("w2", 20).value().id, running);
  EXPECT_EQ(queue.claim("w2", 20).value().id, later.id);
}

TEST(Queue, PriorityComesBeforeFairness) {
  Queue queue;
  const Id busy = queue.add_account().id, idle = queue.add_account().id;
  queue.add_job(busy, 1, 1);
  queue.claimed();
  const Id waiting = queue.add_job(idle, 2, 2).id, paid = queue.add_job(busy, 1, 3).id;
  EXPECT_EQ(queue.claimed(), paid);
  EXPECT_EQ(queue.claimed(), waiting);
}

TEST(Queue, ClaimMarksTheJob) {
  Queue queue;
  const Id id = queue.add_job(queue.add_account().id).id;
  const Job claimed = queue.claim("w1", 1000).value(), stored = queue.find(id);
  for (const Job& job : {claimed, stored}) {
    EXPECT_EQ(job.id, id);
    EXPECT_EQ(job.state, Job::State::running);
    EXPECT_EQ(job.worker, "w1");
    EXPECT_EQ(job.attempts, 1);
    EXPECT_EQ(job.started, 1000);
    EXPECT_EQ(job.lease_until, 1060);
  }
  EXPECT_FALSE(queue.claim("w2", 1000));
}

TEST(Queue, HeartbeatExtendsTheLease) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  const Job job = queue.claim("w1", 1000).value();
  ASSERT_TRUE(queue.heartbeat(job, 1050));
  EXPECT_EQ(queue.find(job.id).progress, 0.5);
  EXPECT_EQ(queue.find(job.id).stage, "converting");
  EXPECT_FALSE(queue.claim("w2", 1109));
  EXPECT_TRUE(queue.claim("w2", 1110));
}

TEST(Queue, RefusesAWorkerThatLostItsLease) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  const Job expired = queue.claim("w1", 1000).value();
  EXPECT_FALSE(queue.claim("w2", 1059));
  // The same worker's name counts as little as another one's: only the attempt is the job's holder.
  const Job reclaimed = queue.claim("w1", 1060).value();
  EXPECT_EQ(reclaimed.id, expired.id);
  EXPECT_EQ(reclaimed.attempts, 2);
  EXPECT_EQ(reclaimed.started, 1000);
  EXPECT_FALSE(queue.heartbeat(expired, 1061));
  EXPECT_FALSE(queue.retry(expired, 0));
  EXPECT_FALSE(queue.finish(expired));
  Job other_worker = reclaimed;
  other_worker.worker = "w2";
  EXPECT_FALSE(queue.heartbeat(other_worker, 1061));
  EXPECT_FALSE(queue.finish(other_worker));
  EXPECT_EQ(queue.find(reclaimed.id).state, Job::State::running);
  EXPECT_TRUE(queue.heartbeat(reclaimed, 1061));
  EXPECT_TRUE(queue.finish(reclaimed));
  EXPECT_FALSE(queue.finish(reclaimed)) << "a job ends once";
  const Job done = queue.find(reclaimed.id);
  EXPECT_EQ(done.state, Job::State::done);
  EXPECT_EQ(done.result, "{}");
  EXPECT_EQ(done.failure, "why");
  EXPECT_EQ(done.finished, 2000);
  EXPECT_EQ(done.progress, 1);
}

TEST(Queue, WorkCountsAfterTheLeaseUnlessAnotherWorkerClaimedTheJob) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  const Job job = queue.claim("w1", 1000).value();
  EXPECT_TRUE(queue.heartbeat(job, 5000));
  EXPECT_FALSE(queue.claim("w2", 5010));
  EXPECT_TRUE(queue.finish(job));
}

TEST(Queue, RetriesNotBeforeTheGivenTime) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  const Job job = queue.claim("w1", 1000).value();
  ASSERT_TRUE(queue.retry(job, 1030));
  EXPECT_EQ(queue.find(job.id).state, Job::State::queued);
  EXPECT_FALSE(queue.heartbeat(job, 1001));
  EXPECT_FALSE(queue.claim("w2", 1029));
  EXPECT_EQ(queue.claim("w2", 1030).value().attempts, 2);
}

TEST(Queue, UndoesAClaim) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  const Job job = queue.claim("w1", 1000).value();
  Job other_worker = job;
  other_worker.worker = "w2";
  EXPECT_FALSE(queue.unclaim(other_worker));
  ASSERT_TRUE(queue.unclaim(job));
  EXPECT_FALSE(queue.unclaim(job));
  EXPECT_FALSE(queue.heartbeat(job, 1001));
  EXPECT_FALSE(queue.finish(job));
  const Job again = queue.claim("w2", 1000).value();
  EXPECT_EQ(again.attempts, 1);
  EXPECT_FALSE(queue.finish(job)) << "the same attempt, but another's";
  EXPECT_TRUE(queue.finish(again));
}

TEST(Queue, ReassignsJobs) {
  Queue queue;
  const Id guest = queue.add_account().id, member = queue.add_account().id;
  Job job;
  job.request_key = "client:1";
  for (const Id& account : {guest, member}) {
    job.id = new_id();
    job.account = account;
    queue.store->write([&](Transaction& transaction) { transaction.jobs().add(job); });
  }
  const Job held = queue.claim("w1", 1000).value(), waiting = queue.add_job(guest);
  queue.store->write([&](Transaction& transaction) { transaction.jobs().reassign(guest, member); });
  EXPECT_EQ(queue.find(held.id).account, member);
  EXPECT_EQ(queue.find(waiting.id).account, member);
  EXPECT_TRUE(queue.finish(held)) << "its worker goes on";
}

TEST(Queue, LeavesJobsWhoseAttemptsAreUsedUpToTheCaller) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  queue.add_job(queue.add_account().id, 2);
  const Job first = queue.claim("w1", 1000).value();
  ASSERT_EQ(queue.claim("w2", 1060).value().id, first.id);
  const Job last = queue.claim("w3", 1120).value();
  ASSERT_EQ(last.attempts, 3);
  EXPECT_THAT(queue.abandoned(1179), IsEmpty());
  EXPECT_THAT(queue.abandoned(1180), ElementsAre(first.id));
  EXPECT_NE(queue.claim("w4", 1180).value().id, first.id);
  EXPECT_FALSE(queue.claim("w4", 1180));
  EXPECT_TRUE(queue.finish(last, Job::State::failed));
  EXPECT_THAT(queue.abandoned(1180), IsEmpty());
  EXPECT_FALSE(queue.finish(last));
}

TEST(Queue, EndsAWaitingJobWithoutAttemptsThroughTheCaller) {
  Queue queue;
  queue.add_job(queue.add_account().id);
  Job job;
  for (int i = 0; i < 3; ++i) {
    job = queue.claim("w1", 1000).value();
    ASSERT_TRUE(queue.retry(job, 0));
  }
  EXPECT_FALSE(queue.claim("w1", 1000));
  EXPECT_THAT(queue.abandoned(1000), ElementsAre(job.id));
  EXPECT_FALSE(queue.finish(job, Job::State::failed)) << "who gave it back holds it no more";
  EXPECT_TRUE(queue.finish(queue.find(job.id), Job::State::failed));
}

TEST(Queue, Cancels) {
  Queue queue;
  const Id account = queue.add_account().id;
  const Id waiting = queue.add_job(account).id;
  EXPECT_TRUE(queue.cancel(waiting));
  EXPECT_FALSE(queue.cancel(waiting));
  EXPECT_EQ(queue.find(waiting).state, Job::State::cancelled);
  EXPECT_EQ(queue.find(waiting).finished, 900);
  EXPECT_FALSE(queue.claim("w1", 1000));

  queue.add_job(account);
  const Job running = queue.claim("w1", 1000).value();
  EXPECT_FALSE(queue.cancel(running.id));
  EXPECT_FALSE(queue.heartbeat(running, 1001)) << "the worker is told to stop";
  EXPECT_TRUE(queue.find(running.id).cancel_wanted);
  EXPECT_TRUE(queue.finish(running, Job::State::cancelled));

  queue.add_job(account);
  const Job orphan = queue.claim("w1", 1000).value();
  queue.cancel(orphan.id);
  EXPECT_FALSE(queue.claim("w2", 1060)) << "nobody shall begin what is to be cancelled";
  EXPECT_THAT(queue.abandoned(1059), IsEmpty());
  EXPECT_THAT(queue.abandoned(1060), ElementsAre(orphan.id));
}

TEST(Queue, CountsAndPlaces) {
  Queue queue;
  const Id account = queue.add_account().id;
  const Job second = queue.add_job(account, 1, 20), first = queue.add_job(account, 1, 10), free = queue.add_job(account, 2, 5);
  Job analysis = first;
  analysis.id = new_id();
  analysis.kind = Job::Kind::analyse;
  analysis.priority = 0;
  queue.store->write([&](Transaction& transaction) { transaction.jobs().add(analysis); });
  queue.store->read([&](Transaction& transaction) {
    JobStore& jobs = transaction.jobs();
    EXPECT_EQ(jobs.position(analysis), 0);
    EXPECT_EQ(jobs.position(first), 1);
    EXPECT_EQ(jobs.position(second), 2);
    EXPECT_EQ(jobs.position(free), 3);
    EXPECT_EQ(jobs.active_count(account), 3) << "conversions only";
    EXPECT_EQ(jobs.quick_count(account), 1) << "all others";
    EXPECT_EQ(jobs.queued_count(), 4);
  });
  ASSERT_EQ(queue.claimed(), analysis.id);
  ASSERT_EQ(queue.claimed(), first.id);
  queue.cancel(free.id);
  queue.store->read([&](Transaction& transaction) {
    JobStore& jobs = transaction.jobs();
    EXPECT_EQ(jobs.position(first), 0);
    EXPECT_EQ(jobs.position(second), 0);
    EXPECT_EQ(jobs.active_count(account), 2);
    EXPECT_EQ(jobs.quick_count(account), 1) << "running ones, too";
    EXPECT_EQ(jobs.queued_count(), 1);
    EXPECT_EQ(jobs.running_count(), 2);
  });
}

/// The job that claim() should give, by looking at every job.
const Job* next_by_model(const std::vector<Job>& jobs, std::map<Id, int>& served, Seconds now) {
  std::map<Id, int> busy;
  for (const Job& job : jobs) busy[job.account] += job.state == Job::State::running && job.lease_until > now;
  const Job* best = nullptr;
  const auto rank = [&](const Job& job) { return std::tuple(job.priority, busy[job.account], served[job.account], job.created); };
  for (const Job& job : jobs) {
    const bool open = job.state == Job::State::queued ? job.not_before <= now : job.state == Job::State::running && job.lease_until <= now;
    if (open && job.attempts < 3 && !job.cancel_wanted && (!best || rank(job) < rank(*best))) best = &job;
  }
  return best;
}

TEST(Queue, MatchesAModelUnderRandomOperations) {
  std::mt19937 random(11);
  const auto pick = [&](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
  Queue queue;
  std::vector<Id> accounts;
  for (int i = 0; i < 5; ++i) accounts.push_back(queue.add_account().id);
  queue.store->write([&](Transaction& transaction) {
    JobStore& store = transaction.jobs();
    std::vector<Job> jobs;
    std::map<Id, int> served;
    int claims = 0;
    for (Seconds now = 1000; now < 3000; ++now) {
      if (pick(3) == 0) {
        Job job;
        job.id = new_id();
        job.account = accounts[static_cast<std::size_t>(pick(5))];
        job.priority = pick(3);
        job.created = now;
        store.add(job);
        jobs.push_back(job);
      }
      if (pick(3) == 0) {
        const Job* expected = next_by_model(jobs, served, now);
        const std::optional<Job> claimed = store.claim("w", now, 60, 3, now);
        ASSERT_EQ(claimed ? claimed->id : "none", expected ? expected->id : "none") << "at " << now;
        if (claimed) served[claimed->account] = ++claims;
      }
      if (!jobs.empty()) {
        const Job job = store.find(jobs[static_cast<std::size_t>(pick(static_cast<int>(jobs.size())))].id).value();
        switch (pick(8)) {
          case 0: store.finish(job.id, job.attempts, job.worker, Job::State::done, "", "", now); break;
          case 1: store.retry(job.id, job.attempts, job.worker, now + pick(100)); break;
          case 2: store.cancel(job.id, now); break;
          case 3: store.heartbeat(job.id, job.attempts, job.worker, 0.5, "", now, 60); break;
          case 4: store.unclaim(job.id, job.attempts, job.worker, now + pick(10)); break;
          default: break;
        }
      }
      for (Job& job : jobs) job = store.find(job.id).value();
      std::erase_if(jobs, [](const Job& job) { return job.state != Job::State::queued && job.state != Job::State::running; });
    }
    EXPECT_GT(claims, 300);
  });
}

// What follows runs parts of itself in other processes: this program once more, with one of the disabled tests below.

pid_t spawn(const char* part, const Database& database, const std::string& name) {
  const std::string filter = fmt::format("--gtest_filter=OtherProcess.DISABLED_{}", part);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setenv("WEBWRAP_TEST_DATABASE", database.path.c_str(), 1);
    ::setenv("WEBWRAP_TEST_NAME", name.c_str(), 1);
    ::dup2(::open((database.dir / (name + ".log")).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::execl("/proc/self/exe", "queue", filter.c_str(), "--gtest_also_run_disabled_tests", nullptr);
    ::_exit(127);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

struct OtherProcess : ::testing::Test {
  void SetUp() override {
    const char* path = std::getenv("WEBWRAP_TEST_DATABASE");
    if (!path) GTEST_SKIP() << "run by other tests only";
    name = std::getenv("WEBWRAP_TEST_NAME");
    folder = std::filesystem::path(path).parent_path();
    store = open_sqlite_store(path);
  }
  std::string name;
  std::filesystem::path folder;
  std::unique_ptr<Store> store;
};

TEST_F(OtherProcess, DISABLED_ClaimsAll) {
  std::ofstream(folder / (name + ".ready"));
  while (!std::filesystem::exists(folder / "go")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::ofstream list(folder / (name + ".claims"));
  for (;;) {
    std::optional<Job> job;
    store->write([&](Transaction& transaction) { job = transaction.jobs().claim(name, 1000, 60, 3, 1000); });
    if (!job) return;
    list << job->id << '\n';
    store->write([&](Transaction& transaction) {
      ASSERT_TRUE(transaction.jobs().finish(job->id, job->attempts, name, Job::State::done, "", "", 1000));
    });
  }
}

TEST(Processes, NeverClaimAJobTwice) {
  Database database;
  std::set<Id> added;
  std::vector<Id> accounts;
  for (int i = 0; i < 10; ++i) accounts.push_back(database.add_account().id);
  database.store->write([&](Transaction& transaction) {
    for (std::size_t i = 0; i < 1000; ++i) {
      Job job;
      job.id = new_id();
      job.account = accounts[i % accounts.size()];
      job.created = static_cast<Seconds>(i);
      transaction.jobs().add(job);
      added.insert(job.id);
    }
  });
  std::map<std::string, pid_t> workers;
  for (const char* name : {"w1", "w2", "w3"}) workers[name] = spawn("ClaimsAll", database, name);
  for (const auto& [name, pid] : workers)
    while (!std::filesystem::exists(database.dir / (name + ".ready"))) {
      ASSERT_EQ(::kill(pid, 0), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  std::ofstream(database.dir / "go");
  std::multiset<Id> claimed;
  for (const auto& [name, pid] : workers) {
    EXPECT_EQ(wait_for(pid), 0);
    std::ifstream list(database.dir / (name + ".claims"));
    std::size_t count = 0;
    for (Id id; list >> id; ++count) claimed.insert(id);
    EXPECT_GT(count, 0u) << name << " was starved";
  }
  EXPECT_EQ(claimed.size(), 1000u);
  EXPECT_EQ(std::set<Id>(claimed.begin(), claimed.end()), added);
  database.store->read([&](Transaction& transaction) {
    for (const Id& id : added) ASSERT_EQ(transaction.jobs().find(id)->attempts, 1);
    EXPECT_EQ(transaction.jobs().queued_count() + transaction.jobs().running_count(), 0);
  });
}

/// A job from its reservation to its end, in three transactions.
void do_business(Store& store, const Id& account) {
  Job job;
  job.id = new_id();
  job.account = account;
  job.price = 2;
  store.write([&](Transaction& transaction) {
    transaction.ledger().post(grant_entry(account, 2, "grant:" + job.id, "Free"));
    transaction.jobs().add(job);
    transaction.ledger().post(reserve_entry(account, job.id, 2, "Song"));
  });
  store.write([&](Transaction& transaction) { job = transaction.jobs().claim("w", 1000, 60, 3, 1000).value(); });
  store.write([&](Transaction& transaction) {
    ASSERT_TRUE(transaction.jobs().finish(job.id, job.attempts, "w", Job::State::done, "", "", 1001));
    transaction.ledger().post(capture_entry(account, job.id, job.price, "Song"));
  });
}

TEST_F(OtherProcess, DISABLED_WorksUntilKilled) {
  for (;;) do_business(*store, name);
}

/// Dies with more changes than SQLite keeps in memory: they are in the file already, without a commit.
TEST_F(OtherProcess, DISABLED_DiesInATransaction) {
  store->write([&](Transaction& transaction) {
    transaction.ledger().post(grant_entry(name, 100, "never", "Never"));
    const auto size_of_log = [&] { return std::filesystem::file_size((folder / "webwrap.db-wal").string()); };
    const auto before = size_of_log();
    for (int i = 0; i < 4000; ++i) {
      Recording recording;
      recording.id = new_id();
      recording.account = name;
      recording.name = std::string(4000, 'x');
      transaction.recordings().add(recording);
    }
    if (size_of_log() > before) ::kill(::getpid(), SIGKILL);
  });
}

TEST(Processes, LeaveASoundDatabaseWhereverTheyAreKilled) {
  Database database;
  const Id account = database.add_account().id;
  std::mt19937 random(7);
  for (int round = 0; round < 6; ++round) {
    const pid_t pid = spawn("WorksUntilKilled", database, account);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(60, 250)(random)));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(WTERMSIG(wait_for(pid)), SIGKILL);
    ASSERT_THAT(database.audit(), IsEmpty());
    do_business(*database.store, account);
  }
  EXPECT_THAT(database.audit(), IsEmpty());
}

TEST(Processes, UndoAnUnfinishedTransactionThatReachedTheDisk) {
  Database database;
  const Id account = database.add_account().id;
  do_business(*database.store, account);
  ASSERT_EQ(WTERMSIG(wait_for(spawn("DiesInATransaction", database, account))), SIGKILL) << "it should have died, not ended";
  database.store->read([&](Transaction& transaction) {
    EXPECT_EQ(transaction.ledger().balance(user_account(account)), 0);
    EXPECT_THAT(transaction.recordings().list(account, 10), IsEmpty());
  });
  do_business(*database.store, account);
  EXPECT_THAT(database.audit(), IsEmpty());
}

}  // namespace
}  // namespace webwrap::testing
