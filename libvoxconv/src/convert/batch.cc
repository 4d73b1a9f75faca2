#include "voxconv/batch.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "convert/batch_run.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"

namespace voxconv {
namespace fs = std::filesystem;

const char* to_string(BatchItem::State state) {
  switch (state) {
    case BatchItem::State::waiting: return "waiting";
    case BatchItem::State::converted: return "converted";
    case BatchItem::State::skipped: return "skipped";
    case BatchItem::State::failed: return "failed";
    case BatchItem::State::left_out: return "left_out";
  }
  return "waiting";
}

std::size_t BatchReport::count(BatchItem::State state) const {
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
  Converter converter(voice, options.convert);
  const auto worker = [&]() -> FileWorker {
    return [own = std::make_shared<Converter>(converter.another())](const FileJob& job, const std::vector<std::string>&,
                                                                    const ProgressFn& on_progress, const CancelToken& stop) {
      return FileResult{convert_file(*own, job, on_progress, stop)};
    };
  };
  return run_batch(plan_batch(options, voice.info()), options, voice.impl().device, worker, callbacks, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
