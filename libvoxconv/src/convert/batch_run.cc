#include "convert/batch_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>

#include "convert/jobs.h"
#include "core/atomic_file.h"
#include "core/caller.h"
#include "core/fail.h"
#include "core/stage_clock.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using State = BatchItem::State;

/// Several threads that take one item after another.
class Batch {
 public:
  Batch(const BatchOptions& options, const BatchCallbacks& callbacks, const CancelToken& cancel, std::vector<BatchItem>& items)
      : options_(options), callbacks_(callbacks), cancel_(cancel), items_(items) {}

  /// Throws what a callback threw.
  void run(torch::Device device, const std::function<FileWorker()>& make_worker) {
    const auto waiting = std::count_if(items_.begin(), items_.end(), [](const BatchItem& item) { return item.state == State::waiting; });
    const int jobs = options_.jobs > 0 ? options_.jobs : default_jobs(device);
    std::vector<FileWorker> workers;
    for (std::ptrdiff_t i = 0; i < std::min<std::ptrdiff_t>(jobs, std::max<std::ptrdiff_t>(waiting, 1)); ++i)
      workers.push_back(make_worker());
    in_jobs(
        int(workers.size()), device, [&](int job) { work(workers[std::size_t(job)]); }, [this] { stopped_ = true; });
  }

 private:
  template <typename Function, typename... Args>
  void tell(const Function& callback, const Args&... args) {
    if (!callback) return;
    const std::lock_guard lock(mutex_);
    call_caller([&] { callback(args...); });
  }

  void work(const FileWorker& worker) {
    for (std::size_t i; !stopped_ && !cancel_.cancelled() && (i = next_++) < items_.size();) {
      BatchItem& item = items_[i];
      if (item.state == State::waiting) {
        tell(callbacks_.on_start, item);
        convert(worker, item);
      }
      if (item.state != State::waiting) tell(callbacks_.on_end, item);
    }
  }

  void convert(const FileWorker& worker, BatchItem& item) {
    bool callback_threw = false;  // then not the file is at fault
    const auto on_progress = [&](const Progress& progress) {
      try {
        tell(callbacks_.on_progress, item, progress);
      } catch (...) {
        callback_threw = true;
        throw;
      }
    };
    const auto failed = [&](ErrorCode code, const std::string& message) {
      item.state = State::failed;
      item.code = code;
      item.error = message;
    };
    try {
      std::vector<std::string> targets = item.further_targets;
      targets.push_back(item.target);
      if (options_.skip_existing && std::ranges::all_of(targets, [](const std::string& target) {
            std::error_code none;
            return fs::exists(target, none);
          })) {
        item.state = State::skipped;
        return;
      }
      for (const std::string& target : targets)
        if (const fs::path folder = fs::path(target).parent_path(); !folder.empty()) make_folder(folder);
      FileResult result =
          worker({item.source, item.target, {}, options_.format, {}, options_.bitrate_kbps}, item.further_targets, on_progress, cancel_);
      item.report = result.report;
      item.cover = std::move(result.cover);
      item.separation = std::move(result.separation);
      item.state = State::converted;
    } catch (const Error& e) {
      if (callback_threw) throw;
      if (e.code() != ErrorCode::cancelled) failed(e.code(), e.what());
    }
  }

  const BatchOptions& options_;
  const BatchCallbacks& callbacks_;
  const CancelToken& cancel_;
  std::vector<BatchItem>& items_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // of the callbacks
};

}  // namespace

BatchReport run_batch(std::vector<BatchItem> items, const BatchOptions& options, torch::Device device,
                      const std::function<FileWorker()>& make_worker, const BatchCallbacks& callbacks, const CancelToken& cancel) {
  if (options.jobs < 0 || options.jobs > 256) fail(ErrorCode::usage, "jobs is {}; expected 1 to 256, or 0 to choose.", options.jobs);
  const auto start = std::chrono::steady_clock::now();
  BatchReport report;
  report.items = std::move(items);
  Batch(options, callbacks, cancel, report.items).run(device, make_worker);
  report.wall_s = seconds_since(start);
  report.cancelled = cancel.cancelled();
  return report;
}

}  // namespace voxconv
