#pragma once
#include <functional>
#include <vector>

#include "nn/torch.h"
#include "voxconv/batch.h"

namespace voxconv {

/// Makes one file of another; throws Error. Used by one thread.
using FileWorker = std::function<ConvertReport(const FileJob&, const ProgressFn&, const CancelToken&)>;

/// Works through `items` on options.jobs threads, each with a worker of its own, whatever the work is: makes folders, leaves out what is
/// there where that is wished, and goes on after a file that fails. Of `options` only what concerns files and threads counts. Throws
/// Error(usage), and what a callback threw.
BatchReport run_batch(std::vector<BatchItem> items, const BatchOptions& options, torch::Device device,
                      const std::function<FileWorker()>& make_worker, const BatchCallbacks& callbacks, const CancelToken& cancel);

}  // namespace voxconv
