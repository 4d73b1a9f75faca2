#pragma once
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "blob/blob_store.h"
#include "store/store.h"
#include "voxconv/progress.h"

namespace webwrap {

/// A job that can never succeed, however often it is tried: the recording or the parameters are at fault. what(): one sentence for the
/// user.
struct PermanentJobError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The work is to go on later, from where it is now: others wait, or what it needs is in use. The attempt does not count. what(): for the
/// log.
struct JobPaused : std::runtime_error {
  JobPaused(Seconds seconds, const std::string& why) : std::runtime_error(why), wait_s(seconds) {}
  Seconds wait_s;  ///< at least
};

/// How far a job is; written by its runner, read by the thread that renews the lease.
class JobProgress {
 public:
  void report(double progress, const std::string& stage);
  std::pair<double, std::string> now() const;

 private:
  mutable std::mutex mutex_;
  double progress_ = 0;
  std::string stage_;
};

/// What a runner works on and with.
struct JobTask {
  const Job& job;
  std::string folder;  ///< for temporary files: empty at first, removed afterwards; on the blobs' file system
  JobProgress& progress;
  voxconv::CancelToken cancel;  ///< the work is not wanted any more: throw voxconv::Error(cancelled) soon
};

/// The key of a blob that a job makes: another one at each attempt, so that two workers never write the same.
std::string attempt_key(const std::string& folder, int attempt, const std::string& name);

/// What a job made. Files become blobs only once the whole work succeeded, and are removed where another worker has the job by
/// then.
struct JobOutput {
  struct File {
    std::string folder, name;  ///< its key: attempt_key(folder, job.attempts, name)
    std::string path;
    std::string bytes = {};  ///< what it holds, where there is no path
  };
  std::vector<File> files;
  /// Size and sha256 of the files by their keys, for Recording::files and Song::files.
  nlohmann::json described(int attempt) const;
  std::string result;  ///< for Job::result
  /// Writes its rows, in the transaction that ends the job and takes the money. False: nobody wants it any more, for example because the
  /// owner removed what it belongs to; the job then ends as cancelled. Whose they are is read there: a guest may have logged in meanwhile.
  std::function<bool(Transaction&)> keep;
  /// Blobs that keep() put others in the place of; removed once that is written.
  std::shared_ptr<std::vector<std::string>> obsolete;

  /// Takes over the files and the rows of another output.
  void include(JobOutput other);
};

/// Does the work of jobs, one at a time.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  /// The seconds that a job may take; past them it is stopped and fails for good, so that no file holds a worker for long.
  virtual double time_limit_s(const Job&) const { return std::numeric_limits<double>::infinity(); }
  /// Throws PermanentJobError or JobPaused; any other exception means that another try may succeed.
  virtual JobOutput run(const JobTask&) = 0;
};

}  // namespace webwrap
