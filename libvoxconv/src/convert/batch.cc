#include "voxconv/batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>

#include "convert/jobs.h"
#include "convert/voice_impl.h"
#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using State = BatchItem::State;

/// Several threads that take one item after another.
class Batch {
 public:
  Batch(const Voice& voice, const BatchOptions& options, const BatchCallbacks& callbacks, const CancelToken& cancel,
        std::vector<BatchItem>& items)
      : voice_(voice), options_(options), callbacks_(callbacks), cancel_(cancel), items_(items) {}

  /// Throws what a callback threw.
  void run(Converter& converter) {
    const auto waiting =
        std::size_t(std::count_if(items_.begin(), items_.end(), [](const BatchItem& item) { return item.state == State::waiting; }));
    const int jobs = options_.jobs > 0 ? options_.jobs : default_jobs(voice_.impl().device);
    in_jobs(
        converter, int(std::min(std::size_t(jobs), std::max<std::size_t>(waiting, 1))), voice_.impl().device,
        [this](Converter& own) { work(own); }, [this] { stopped_ = true; });
  }

 private:
  template <typename Function, typename... Args>
  void tell(const Function& callback, const Args&... args) {
    if (!callback) return;
    const std::lock_guard lock(mutex_);
    call_caller([&] { callback(args...); });
  }

  void work(Converter& converter) {
    for (std::size_t i; !stopped_ && !cancel_.cancelled() && (i = next_++) < items_.size();) {
      BatchItem& item = items_[i];
      if (item.state == State::waiting) {
        tell(callbacks_.on_start, item);
        convert(converter, item);
      }
      if (item.state != State::waiting) tell(callbacks_.on_end, item);
    }
  }

  void convert(Converter& converter, BatchItem& item) {
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
      if (std::error_code none; options_.skip_existing && fs::exists(item.target, none)) {
        item.state = State::skipped;
        return;
      }
      if (const fs::path folder = fs::path(item.target).parent_path(); !folder.empty()) make_folder(folder);
      FileJob job{item.source, item.target, {}, options_.format, {}, options_.bitrate_kbps};
      item.report = convert_file(converter, job, on_progress, cancel_);
      item.state = State::converted;
    } catch (const Error& e) {
      if (callback_threw) throw;
      if (e.code() != ErrorCode::cancelled) failed(e.code(), e.what());
    }
  }

  const Voice& voice_;
  const BatchOptions& options_;
  const BatchCallbacks& callbacks_;
  const CancelToken& cancel_;
  std::vector<BatchItem>& items_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // of the callbacks
};

}  // namespace

const char* to_string(BatchItem::State state) {
  switch (state) {
    case State::waiting: return "waiting";
    case State::converted: return "converted";
    case State::skipped: return "skipped";
    case State::failed: return "failed";
    case State::left_out: return "left_out";
  }
  return "waiting";
}

std::size_t BatchReport::count(State state) const {
  return std::size_t(std::count_if(items.begin(), items.end(), [&](const BatchItem& item) { return item.state == state; }));
}

ConvertReport convert_file(Converter& converter, const FileJob& job, const ProgressFn& on_progress, const CancelToken& cancel) try {
  const auto reader = open_reader(job.source, job.read);
  const AudioInfo& info = reader->info();
  WriteOptions target;
  target.rate = converter.output_rate();
  target.channels = converter.output_channels(info.channels);
  target.format = job.format;
  target.raw = job.raw;
  target.bitrate_kbps = job.bitrate_kbps;
  target.tags = provenance_tags(info.tags, converter.voice(), converter.options());
  target.cover = info.cover;
  const auto writer = open_writer(job.target, target);
  std::error_code none;
  // A file is read once more rather than kept decoded, as a pipe must be.
  const bool again = converter.options().key_auto && job.source != "-" && fs::is_regular_file(job.source, none);
  const auto ahead = again ? open_reader(job.source, job.read) : nullptr;
  return converter.run(*reader, ahead.get(), *writer, on_progress, cancel);
} catch (...) {
  throw_as_error();
}

BatchReport convert_batch(const Voice& voice, const BatchOptions& options, const BatchCallbacks& callbacks, const CancelToken& cancel) try {
  options.convert.validate();
  if (options.jobs < 0 || options.jobs > 256) fail(ErrorCode::usage, "jobs is {}; expected 1 to 256, or 0 to choose.", options.jobs);
  const auto start = std::chrono::steady_clock::now();
  BatchReport report;
  report.items = plan_batch(options, voice.info());
  Converter converter(voice, options.convert);
  Batch(voice, options, callbacks, cancel, report.items).run(converter);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.cancelled = cancel.cancelled();
  return report;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
