#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "app.h"
#include "voxconv/batch.h"

namespace voxconv::cli {

/// How a command tells that it is done with a file, from what is known of it.
struct DoneText {
  std::string stage;                                    ///< of the progress bar of many files: "convert"
  std::string verb;                                     ///< the event, and the word in the summary: "converted"
  std::function<Console::Json(const BatchItem&)> json;  ///< behind the source: what was written, then figures
  std::function<std::string(const BatchItem&)> text;
};

/// Adds the flags of what is written: format, bitrate and --raw, and of many files the folder, their names, and how many at a time.
/// `output` is -o, of one file, which excludes those of many; all of it has to outlive the app.
void add_output_flags(CLI::App& app, CLI::Option* output, std::string& raw, BatchOptions& options);

/// "1:02 of audio in 3.1 s (20.0 times real time)"
std::string speed_text(double source_s, double wall_s);

/// One file is done.
void print_done(Session& session, const DoneText& done, const BatchItem& item);

/// What is seen of a batch: one bar for all (files done, and how far the ones at work are), a line or event per file, a summary.
class BatchOutput {
 public:
  BatchOutput(Session& session, DoneText done, std::size_t total);
  BatchCallbacks callbacks();
  /// The summary; returns the exit status, that of the first failure. Throws Error(cancelled) where the batch was.
  int finish(const BatchReport& report);

 private:
  void on_progress(const BatchItem& item, const Progress& progress);
  void on_end(const BatchItem& item);
  void show(const std::string& detail);

  Session& session_;
  const DoneText text_;
  ProgressFn show_;
  double total_, done_ = 0;
  std::map<std::string, double> at_work_;
};

}  // namespace voxconv::cli
