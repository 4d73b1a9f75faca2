// A worker without voices, for the test that kills workers: trivial_worker DATA_DIR. Stops after 3 s without a job.
#include <cstdio>
#include <filesystem>
#include <thread>

#include "domain/clock.h"
#include "domain/id.h"
#include "worker/worker.h"

using namespace webwrap;

struct TrivialRunner : JobRunner {
  JobOutput run(const JobTask& task) override {
    const std::string path = task.folder + "/result";
    FILE* file = std::fopen(path.c_str(), "w");
    std::fputs(task.job.id.c_str(), file);
    std::fclose(file);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Song song;
    song.id = task.job.song;
    song.account = task.job.account;
    song.job = task.job.id;
    song.converted = attempt_key("songs/" + song.id, task.job.attempts, "result");
    JobOutput output;
    output.files = {{"songs/" + song.id, "result", path}};
    output.keep = [song](Transaction& transaction) {
      transaction.songs().add(song);
      return true;
    };
    return output;
  }
};

int main(int, char** arguments) {
  Config config;
  config.data_dir = arguments[1];
  config.lease_s = 1;
  config.max_attempts = 1000;
  const auto store = open_sqlite_store(config.data_dir + "/webwrap.db");
  const auto blobs = open_local_blob_store(config.data_dir + "/blobs");
  const SystemClock clock;
  TrivialRunner runner;
  WorkerOptions options;
  options.poll = std::chrono::milliseconds(50);
  options.heartbeat = std::chrono::milliseconds(200);
  options.exit_when_idle = 3;
  Worker(config, *store, *blobs, clock, runner, options).run();
}
