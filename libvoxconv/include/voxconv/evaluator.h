#pragma once
#include <string>
#include <vector>

#include "voxconv/options.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Measurements of one converted file. docs/evaluation.md defines each.
struct EvalRow {
  std::string source;  ///< path
  double seconds = 0;
  double f0_correlation = 0;      ///< of log f0 with the (shifted) source, over frames voiced in both
  double f0_median_cents = 0;     ///< median absolute error
  double secs_target = 0;         ///< Resemblyzer cosine to the target's embedding
  double secs_source = 0;         ///< ... to the source's
  double secs_source_target = 0;  ///< ... of source to target: where it started
  double loudness_error_db = 0;   ///< mean absolute error of short-term A-weighted loudness, level-matched
  double rtf = 0;                 ///< seconds of work per second of audio
};

struct EvalReport {
  std::string voice;
  std::vector<EvalRow> rows;
  EvalRow mean;
  std::string to_json() const;
  std::string to_csv() const;
};

struct EvalOptions {
  std::vector<std::string> sources;     ///< files or folders
  std::vector<std::string> references;  ///< recordings of the target; empty: the embedding stored in the bundle
  ConvertOptions convert;
  std::string save_dir;  ///< keep the converted files here; empty: do not
};

/// Converts every source with the voice and measures the results. Throws Error.
EvalReport evaluate(const Voice& voice, const EvalOptions& options, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

}  // namespace voxconv
