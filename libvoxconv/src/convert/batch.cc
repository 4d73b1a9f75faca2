#include "voxconv/batch.h"

#include <algorithm>
#include <memory>

#include "convert/batch_run.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"

namespace voxconv {

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
