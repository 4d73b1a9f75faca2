#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "voxconv/converter.h"
#include "voxconv/error.h"

namespace voxconv {

/// One conversion from file to file.
struct FileJob {
  std::string source;  ///< path, or "-" for standard input
  std::string target;  ///< path, or "-" for standard output
  ReadOptions read;
  std::string format;    ///< as in WriteOptions; empty: by the extension of the target
  RawFormat raw;         ///< sample format of the format "raw"
  int bitrate_kbps = 0;  ///< lossy formats; 0: a good default
};

/// Opens, converts, and writes with the source's tags and cover and provenance_tags(). Throws Error; the target then does not appear.
ConvertReport convert_file(Converter& converter, const FileJob& job, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

struct BatchOptions {
  /// Files, folders and glob patterns. Folders are searched in depth for what holds sound, whatever its name.
  std::vector<std::string> inputs;
  std::string out_dir;  ///< made if need be, with the folders of the inputs below it; empty: beside each source
  /// Name of each target with {stem} and {source_ext} (of the source), {n} (1, 2 ... among sources whose names would else be the same),
  /// {voice}, {key} ("+2", "-12", "0", "auto") and {ext} (of `format`, else the source's where that can be written, else wav). May have
  /// subfolders.
  std::string name_template = "{stem}-{voice}.{ext}";
  std::string format;  ///< as in FileJob
  int bitrate_kbps = 0;
  int jobs = 0;                ///< files converted at the same time; 0: 1 on the CPU, 4 on a GPU; load with threads = cores / jobs
  bool skip_existing = false;  ///< leave targets that exist alone; otherwise they are replaced
  ConvertOptions convert;
};

struct CoverReport;
struct SeparateReport;

/// What becomes of one source.
struct BatchItem {
  enum class State {
    waiting,
    converted,
    skipped,  ///< its targets were there already
    failed,
    left_out  ///< found in a folder, and not for conversion: it holds no sound, or is the result of another source
  };
  std::string source, target;
  std::vector<std::string> further_targets;          ///< files that are written besides: the stems of separate_batch() and cover_batch()
  State state = State::waiting;                      ///< still waiting in a report: the batch was cancelled before
  ErrorCode code = ErrorCode::internal;              ///< of a failure
  std::string error;                                 ///< of a failure: one sentence; of what is left out: why, as part of a sentence
  ConvertReport report;                              ///< of a conversion
  std::shared_ptr<const CoverReport> cover;          ///< of a cover, all of it; else null
  std::shared_ptr<const SeparateReport> separation;  ///< of a separation, all of it; else null
};

/// "waiting", "converted", "skipped", "failed", "left_out".
const char* to_string(BatchItem::State state);

struct BatchReport {
  std::vector<BatchItem> items;
  double wall_s = 0;
  bool cancelled = false;
  std::size_t count(BatchItem::State state) const;
};

/// Called from the working threads, one call at a time. May throw to stop the batch.
struct BatchCallbacks {
  std::function<void(const BatchItem&)> on_start, on_end;
  std::function<void(const BatchItem&, const Progress&)> on_progress;
};

/// The sources and their targets, in order. Inputs that name nothing are items that failed, as are sources with the target of one before
/// them. What is another source's target already, and converted by its tags, is left out. What lies in out_dir is not looked at if that is
/// found in a folder that is searched, nor are hidden files. Throws Error(usage) if the template makes no sense, or if a target is a
/// source.
std::vector<BatchItem> plan_batch(const BatchOptions& options, const VoiceInfo& voice);

/// Converts everything; a file that fails does not stop the others. A cancelled batch returns what was done. Throws Error(usage) as
/// plan_batch().
BatchReport convert_batch(const Voice& voice, const BatchOptions& options, const BatchCallbacks& callbacks = {},
                          const CancelToken& cancel = {});

}  // namespace voxconv
