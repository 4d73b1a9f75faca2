#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "nn/torch.h"
#include "voxconv/batch.h"

namespace voxconv {

/// Names the files that are written for a source besides its target. `folder`: that of the source below its input, which is kept.
using FurtherTargets = std::function<std::vector<std::filesystem::path>(
    const std::filesystem::path& source, const std::filesystem::path& folder, const std::filesystem::path& target)>;

/// plan_batch() for sources with several targets: none of them may be a source, nor another source's.
std::vector<BatchItem> plan_batch(const BatchOptions& options, const VoiceInfo& voice, const FurtherTargets& further);

/// What a FileWorker tells, as BatchItem has it.
struct FileResult {
  ConvertReport report;
  std::shared_ptr<const CoverReport> cover{};
  std::shared_ptr<const SeparateReport> separation{};
};

/// Makes the target and the further targets of one source; throws Error. Used by one thread.
using FileWorker =
    std::function<FileResult(const FileJob&, const std::vector<std::string>& further_targets, const ProgressFn&, const CancelToken&)>;

/// Works through `items` on options.jobs threads, each with a worker of its own, whatever the work is: makes folders, leaves out what is
/// there where that is wished, and goes on after a file that fails. Of `options` only what concerns files and threads counts. Throws
/// Error(usage), and what a callback threw.
BatchReport run_batch(std::vector<BatchItem> items, const BatchOptions& options, torch::Device device,
                      const std::function<FileWorker()>& make_worker, const BatchCallbacks& callbacks, const CancelToken& cancel);

}  // namespace voxconv
