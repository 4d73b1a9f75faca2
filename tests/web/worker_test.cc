#include "worker/worker.h"

#include <gmock/gmock.h>

#include <fstream>

#include "store/job_end.h"
#include "worker_testing.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;
using namespace testing;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct WorkerTest : ::testing::Test {
  Worker make(const std::string& name = "one") {
    return {service.config, *service.store, *service.blobs, service.clock, runner, quick(name)};
  }
  static WorkerOptions quick(const std::string& name) {
    WorkerOptions options;
    options.name = name;
    options.poll = options.heartbeat = std::chrono::milliseconds(10);
    return options;
  }
  /// Whatever a test did, the books are right, and no temporary file is left.
  void TearDown() override {
    EXPECT_THAT(audit(service), IsEmpty());
    for (const auto& item : fs::recursive_directory_iterator(service.dir / "tmp")) ADD_FAILURE() << item.path();
  }
  std::string blob_of(const Job& job, int attempt) { return fmt::format("songs/{}/{}-out.bin", job.song, attempt); }

  Service service;
  Customer customer{service, 10};
  TestRunner runner;
};

TEST_F(WorkerTest, DoesAJobAndTakesItsPriceOnce) {
  const Job job = customer.order(3);
  EXPECT_EQ(customer.balance(), 7);
  EXPECT_EQ(customer.reserved(), 3);
  runner.work = [](const JobTask& task) { return write_one_file(task); };
  Worker worker = make();
  EXPECT_TRUE(worker.work_one());
  EXPECT_FALSE(worker.work_one());
  const Job done = find_job(service, job.id);
  EXPECT_EQ(done.state, Job::State::done);
  EXPECT_EQ(done.result, R"({"made":true})");
  EXPECT_EQ(done.progress, 1);
  EXPECT_EQ(customer.balance(), 7);
  EXPECT_EQ(customer.reserved(), 0);
  EXPECT_EQ(service.blobs->read(blob_of(job, 1), 0, 100), "sound");
}

TEST_F(WorkerTest, FailsABadJobForGoodAndGivesItsCreditsBack) {
  const Job job = customer.order(3);
  runner.work = [](const JobTask&) -> JobOutput { throw PermanentJobError("There is no sound in it."); };
  Worker worker = make();
  worker.work_one();
  EXPECT_FALSE(worker.work_one());
  EXPECT_EQ(runner.runs, 1);
  EXPECT_EQ(find_job(service, job.id).state, Job::State::failed);
  EXPECT_EQ(find_job(service, job.id).failure, "There is no sound in it.");
  EXPECT_EQ(customer.balance(), 10);
}

TEST_F(WorkerTest, TriesAgainAfterAWhileWhatIsNotTheRecordingsFault) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    if (runner.runs == 1) throw std::runtime_error("no space left");
    service.blobs->put(blob_of(job, 1), "of an attempt that was killed");
    return write_one_file(task);
  };
  Worker worker = make();
  EXPECT_TRUE(worker.work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::queued);
  EXPECT_EQ(customer.reserved(), 3);
  EXPECT_FALSE(worker.work_one()) << "at once again";
  service.clock.time += 5;
  EXPECT_TRUE(worker.work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
  EXPECT_EQ(customer.balance(), 7);
  EXPECT_EQ(service.blobs->size(blob_of(job, 1)), -1);
  EXPECT_EQ(service.blobs->size(blob_of(job, 2)), 5);
}

TEST_F(WorkerTest, FailsWhenTheAttemptsAreUsedUp) {
  const Job job = customer.order(3);
  runner.work = [](const JobTask&) -> JobOutput { throw std::runtime_error("the disk is full at /secret/path"); };
  Worker worker = make();
  for (int i = 0; i < 5; ++i, service.clock.time += 1000) worker.work_one();
  EXPECT_EQ(runner.runs, service.config.max_attempts);
  const Job failed = find_job(service, job.id);
  EXPECT_EQ(failed.state, Job::State::failed);
  EXPECT_THAT(failed.failure, StartsWith("It went wrong on our side"));
  EXPECT_EQ(customer.balance(), 10);
}

TEST_F(WorkerTest, FailsTheRecordingThatCannotBeAnalysed) {
  Recording recording;
  recording.id = new_id();
  recording.account = customer.account.id;
  recording.state = Recording::State::analysing;
  Job job;
  job.id = new_id();
  job.account = customer.account.id;
  job.kind = Job::Kind::analyse;
  job.recording = recording.id;
  service.store->write([&](Transaction& transaction) {
    transaction.recordings().add(recording);
    transaction.jobs().add(job);
  });
  runner.work = [](const JobTask&) -> JobOutput { throw PermanentJobError("It is a picture."); };
  make().work_one();
  service.store->read([&](Transaction& transaction) { recording = *transaction.recordings().find(recording.id); });
  EXPECT_EQ(recording.state, Recording::State::failed);
  EXPECT_EQ(recording.failure, "It is a picture.");
}

TEST_F(WorkerTest, StopsACancelledJobAndChargesNothing) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    service.store->write([&](Transaction& transaction) { cancel_job(transaction, find_job(service, job.id), service.clock.now()); });
    EXPECT_TRUE(wait_until([&] { return task.cancel.cancelled(); }));
    task.cancel.check();
    return write_one_file(task);
  };
  make().work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::cancelled);
  EXPECT_EQ(customer.balance(), 10);
}

TEST_F(WorkerTest, StopsWhatTakesTooLongForGoodAndChargesNothing) {
  const Job job = customer.order(3);
  runner.longest = 0.05;
  runner.work = [&](const JobTask& task) {
    EXPECT_TRUE(wait_until([&] { return task.cancel.cancelled(); }));
    task.cancel.check();
    return write_one_file(task);
  };
  Worker worker = make();
  worker.work_one();
  EXPECT_FALSE(worker.work_one()) << "it would take as long again";
  EXPECT_EQ(find_job(service, job.id).state, Job::State::failed);
  EXPECT_THAT(find_job(service, job.id).failure, StartsWith("It took far longer"));
  EXPECT_EQ(customer.balance(), 10);
}

TEST_F(WorkerTest, EndsItsProcessWhereTheWorkDoesNotStop) {
  const Job job = customer.order(3);
  std::atomic<bool> ended = false;
  runner.longest = 0.05;
  runner.work = [&](const JobTask& task) {
    EXPECT_TRUE(wait_until([&] { return ended.load(); }));
    return write_one_file(task);
  };
  WorkerOptions options = quick("one");
  options.grace = std::chrono::milliseconds(50);
  options.end_process = [&] {
    EXPECT_EQ(find_job(service, job.id).state, Job::State::failed) << "before the process ends";
    EXPECT_EQ(customer.balance(), 10);
    ended = true;
  };
  Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).work_one();
  EXPECT_TRUE(ended);
  EXPECT_EQ(find_job(service, job.id).state, Job::State::failed);
  EXPECT_EQ(customer.balance(), 10);
  EXPECT_EQ(service.blobs->size(blob_of(job, 1)), -1);
}

/// Whatever a full disk stops is done once there is room, however often it was tried.
TEST_F(WorkerTest, WaitsWhileTheDiskIsFull) {
  const Job job = customer.order(3);
  WorkerOptions options = quick("one");
  options.disk = &service.disk;
  Worker worker(service.config, *service.store, *service.blobs, service.clock, runner, options);
  const std::int64_t enough = service.free_bytes;
  service.free_bytes = (1 << 20) - 1;
  EXPECT_FALSE(worker.work_one()) << "nothing is begun";
  using Work = std::function<JobOutput(const JobTask&)>;
  for (const Work& fill : {Work([](const JobTask&) -> JobOutput { fail_disk_full(); }), Work([](const JobTask&) -> JobOutput {
                             throw fs::filesystem_error("make a folder", std::make_error_code(std::errc::no_space_on_device));
                           }),
                           Work([&](const JobTask& task) {
                             service.free_bytes = 1000;  // somebody else fills it meanwhile
                             EXPECT_TRUE(wait_until([&] { return task.cancel.cancelled(); }));
                             task.cancel.check();
                             return write_one_file(task);
                           }),
                           Work([&](const JobTask&) -> JobOutput {
                             service.free_bytes = 1000;
                             throw voxconv::Error(voxconv::ErrorCode::io, "cannot write");
                           })}) {
    service.free_bytes = enough;
    runner.work = fill;
    EXPECT_TRUE(worker.work_one());
    EXPECT_EQ(find_job(service, job.id).state, Job::State::queued);
    EXPECT_EQ(find_job(service, job.id).attempts, 0) << "it does not count";
    EXPECT_EQ(customer.reserved(), 3);
    service.free_bytes = enough;
    EXPECT_FALSE(worker.work_one()) << "not at once again";
    service.clock.time += 60;
  }
  runner.work = [](const JobTask& task) { return write_one_file(task); };
  EXPECT_TRUE(worker.work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
}

TEST_F(WorkerTest, ChargesNothingForAJobCancelledInTheLastMoment) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    service.store->write([&](Transaction& transaction) { transaction.jobs().cancel(job.id, service.clock.now()); });
    return write_one_file(task);
  };
  make().work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::cancelled);
  EXPECT_EQ(customer.balance(), 10);
  EXPECT_EQ(service.blobs->size(blob_of(job, 1)), -1);
}

TEST_F(WorkerTest, CancelsAJobWhoseOwnerIsGone) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    JobOutput output = write_one_file(task);
    output.keep = [](Transaction&) { return false; };
    return output;
  };
  make().work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::cancelled);
  EXPECT_EQ(customer.balance(), 10);
  EXPECT_EQ(service.blobs->size(blob_of(job, 1)), -1);
}

TEST_F(WorkerTest, KeepsNothingOnceTheLeaseIsLost) {
  const Job job = customer.order(3);
  bool wrote = false;
  TestRunner second_runner;
  second_runner.work = [](const JobTask& task) { return write_one_file(task, "second"); };
  runner.work = [&](const JobTask& task) {
    // This process slept for longer than its lease; another one takes the job and does it.
    service.clock.time += service.config.lease_s + 1;
    Worker other(service.config, *service.store, *service.blobs, service.clock, second_runner, quick("two"));
    EXPECT_TRUE(other.work_one());
    JobOutput output = write_one_file(task, "first");
    output.keep = [&](Transaction& transaction) {
      Song song;
      song.id = "ghost";
      song.account = customer.account.id;
      transaction.songs().add(song);
      return wrote = true;
    };
    return output;
  };
  WorkerOptions late = quick("one");
  late.heartbeat = std::chrono::hours(1);
  Worker(service.config, *service.store, *service.blobs, service.clock, runner, late).work_one();
  EXPECT_TRUE(wrote) << "the rows of the first were written, and undone with its transaction";
  service.store->read([&](Transaction& transaction) { EXPECT_FALSE(transaction.songs().find("ghost")); });
  EXPECT_EQ(service.blobs->size(blob_of(job, 1)), -1);
  EXPECT_EQ(service.blobs->read(blob_of(job, 2), 0, 100), "second");
  EXPECT_EQ(find_job(service, job.id).worker, "two");
  EXPECT_EQ(customer.balance(), 7);
}

TEST_F(WorkerTest, NoticesALostLeaseWhileItWorks) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    service.clock.time += service.config.lease_s + 1;
    service.store->write([&](Transaction& transaction) {
      transaction.jobs().claim("two", service.clock.up(), service.config.lease_s, service.config.max_attempts, service.clock.now());
    });
    EXPECT_TRUE(wait_until([&] { return task.cancel.cancelled(); }));
    task.cancel.check();
    return JobOutput();
  };
  make().work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::running);
  EXPECT_EQ(find_job(service, job.id).worker, "two");
  EXPECT_EQ(customer.reserved(), 3);
}

TEST_F(WorkerTest, KeepsItsLeaseWhateverTheClockIsSetTo) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    for (const Seconds set_by : {-365 * 24 * 3600, 365 * 24 * 3600}) {
      service.clock.set_by = set_by;
      TestRunner nobody;
      EXPECT_FALSE(Worker(service.config, *service.store, *service.blobs, service.clock, nobody, quick("two")).work_one());
      EXPECT_EQ(nobody.runs, 0);
    }
    return write_one_file(task);
  };
  WorkerOptions silent = quick("one");
  silent.heartbeat = std::chrono::hours(1);
  Worker(service.config, *service.store, *service.blobs, service.clock, runner, silent).work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
  EXPECT_EQ(find_job(service, job.id).finished, service.clock.now());
}

TEST_F(WorkerTest, RenewsTheLeaseAndTellsProgressWhileItWorks) {
  const Job job = customer.order(3);
  runner.work = [&](const JobTask& task) {
    const Seconds before = find_job(service, job.id).lease_until;
    service.clock.time += 7;
    task.progress.report(0.25, "converting");
    EXPECT_TRUE(wait_until([&] { return find_job(service, job.id).lease_until == before + 7; }));
    EXPECT_TRUE(wait_until([&] { return find_job(service, job.id).progress == 0.25; }));
    EXPECT_EQ(find_job(service, job.id).stage, "converting");
    return JobOutput();
  };
  make().work_one();
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
}

TEST_F(WorkerTest, EndsJobsWhoseLastWorkerDied) {
  const Job job = customer.order(3), cancelled = customer.order(2);
  for (int i = 0; i < service.config.max_attempts; ++i, service.clock.time += service.config.lease_s)
    service.store->write([&](Transaction& transaction) {
      transaction.jobs().claim("dead", service.clock.up(), service.config.lease_s, service.config.max_attempts, service.clock.now());
      transaction.jobs().claim("dead", service.clock.up(), service.config.lease_s, service.config.max_attempts, service.clock.now());
    });
  service.blobs->put(blob_of(job, 3), "left behind");
  service.store->write([&](Transaction& transaction) { transaction.jobs().cancel(cancelled.id, service.clock.now()); });
  EXPECT_FALSE(make().work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::failed);
  EXPECT_EQ(find_job(service, cancelled.id).state, Job::State::cancelled);
  EXPECT_EQ(customer.balance(), 10);
  EXPECT_EQ(service.blobs->size(blob_of(job, 3)), -1);
}

TEST_F(WorkerTest, GivesItsJobBackWhenItIsStopped) {
  const Job job = customer.order(3);
  for (int stops = 0; stops <= service.config.max_attempts; ++stops) {  // as at many updates in a row
    WorkerOptions options = quick("one");
    options.exit_when_idle = 0;
    Worker worker(service.config, *service.store, *service.blobs, service.clock, runner, options);
    runner.work = [&](const JobTask& task) {
      worker.stop();
      EXPECT_TRUE(wait_until([&] { return task.cancel.cancelled(); }));
      task.cancel.check();
      return JobOutput();
    };
    worker.run();
    EXPECT_EQ(find_job(service, job.id).state, Job::State::queued);
    EXPECT_EQ(find_job(service, job.id).attempts, 0);
    EXPECT_EQ(customer.reserved(), 3);
  }
  runner.work = [](const JobTask& task) { return write_one_file(task); };
  EXPECT_TRUE(make("two").work_one()) << "at once";
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
}

TEST_F(WorkerTest, LeavesWhenThereIsNothingToDo) {
  for (int i = 0; i < 3; ++i) customer.order(1);
  WorkerOptions options = quick("one");
  options.once = true;
  Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).run();
  EXPECT_EQ(runner.runs, 1);
  options.once = false;
  options.exit_when_idle = 0;
  Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).run();
  EXPECT_EQ(runner.runs, 3);
}

TEST_F(WorkerTest, RemovesWhatKilledWorkersLeft) {
  const fs::path parent = service.dir / "tmp";
  fs::create_directories(parent / "deadbeef" / "job");
  std::ofstream(parent / "deadbeef" / "job" / "half.flac") << "half";
  std::ofstream(parent / "deadbeef.lock");
  {
    const ScratchFolder alive(parent.string());
    std::ofstream(fs::path(alive.path()) / "mine") << "x";
    EXPECT_FALSE(fs::exists(parent / "deadbeef"));
    EXPECT_FALSE(fs::exists(parent / "deadbeef.lock"));
    const ScratchFolder other(parent.string());
    EXPECT_TRUE(fs::exists(fs::path(alive.path()) / "mine"));
  }
}

/// A training makes room for others: that is no attempt, and nothing of its price is lost.
TEST_F(WorkerTest, PutsAPausedJobBackWithoutCountingTheAttempt) {
  const Job job = customer.order(5);
  Seconds pause = 0;
  runner.work = [&](const JobTask&) -> JobOutput { throw JobPaused(pause, "others are waiting"); };
  Worker worker = make();
  for (int i = 0; i < 2 * service.config.max_attempts; ++i) EXPECT_TRUE(worker.work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::queued);
  EXPECT_EQ(find_job(service, job.id).attempts, 0);
  EXPECT_EQ(customer.reserved(), 5);
  pause = 30;
  EXPECT_TRUE(worker.work_one());
  EXPECT_FALSE(worker.work_one());
  service.clock.time += 30;
  runner.work = [](const JobTask&) { return JobOutput{}; };
  EXPECT_TRUE(worker.work_one());
  EXPECT_EQ(find_job(service, job.id).state, Job::State::done);
  EXPECT_THAT(audit(service), IsEmpty());
}

}  // namespace
}  // namespace webwrap
