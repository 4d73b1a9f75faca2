#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "voxconv/error.h"
#include "voxconv/progress.h"

namespace voxconv::cli {

/// All output of voxconv. Results go to standard output, notes and the progress bar to standard error; with --json each is one line of
/// JSON on standard output instead. Thread-safe.
class Console {
 public:
  using Json = nlohmann::ordered_json;

  /// Also takes over the library's log messages.
  void configure(bool json, bool quiet);
  /// Standard output now belongs to the audio: whatever would go there goes to standard error.
  void give_stdout_to_data();

  bool json() const { return json_; }
  /// A result: `text` for people (a line is ended for it), or the event for programs. Throws Error(io) if standard output does not take it.
  void result(const std::string& text, Json event);
  /// A note for people; dropped with --quiet and with --json.
  void note(const std::string& text);
  void warning(const std::string& text);
  void error(ErrorCode code, const std::string& message);

  /// Reports of a long call: a bar where standard error is a terminal, "progress" events with --json, else nothing. Of the events of a
  /// stage (of a file, where `detail` names it) the first and the last are written, and up to ten a second in between.
  ProgressFn progress();
  void end_progress();

 private:
  using Clock = std::chrono::steady_clock;

  /// What was reported of a stage.
  struct StageEvents {
    Clock::time_point written;
    Json waiting;  ///< the last event that was too soon to be written; null: none
  };

  void emit(const Json& event);
  void emit_progress(const Progress& progress);
  void emit_waiting();
  void wipe_bar();
  void draw_bar(const Progress& progress);

  std::mutex mutex_;
  bool json_ = false, quiet_ = false, terminal_ = false, stdout_is_data_ = false;
  bool bar_shown_ = false;
  std::string stage_;          ///< of the bar that is shown
  Clock::time_point started_;  ///< of that stage
  double first_done_ = 0;      ///< what was done when it started
  Clock::time_point drawn_;
  std::map<std::string, StageEvents> stages_;
};

/// "1:02:03", "2:03"
std::string clock_text(double seconds);

}  // namespace voxconv::cli
