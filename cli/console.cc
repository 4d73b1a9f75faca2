#include "console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace voxconv::cli {
namespace {

constexpr std::chrono::milliseconds redraw_every{100}, event_every{100};
constexpr int bar_width = 24;

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// The first `columns` bytes, without cutting a UTF-8 character in two.
std::string clipped(const std::string& text, std::size_t columns) {
  if (text.size() <= columns) return text;
  while (columns > 0 && (static_cast<unsigned char>(text[columns]) & 0xC0) == 0x80) --columns;
  return text.substr(0, columns);
}

/// Whether all of it was written.
bool print(std::FILE* stream, const std::string& text) {
  const bool taken = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  return std::fflush(stream) == 0 && taken;
}

std::string line(const Console::Json& event) { return event.dump(-1, ' ', false, Console::Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string clock_text(double seconds) {
  const auto total = static_cast<long long>(std::clamp(seconds, 0.0, 3.6e6) + 0.5);
  return total >= 3600 ? fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60)
                       : fmt::format("{}:{:02}", total / 60, total % 60);
}

void Console::configure(bool json, bool quiet) {
  json_ = json;
  quiet_ = quiet;
  terminal_ = ::isatty(STDERR_FILENO) == 1;
  set_log_callback([this](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning || level == LogLevel::error)
      warning(text);
    else if (level == LogLevel::info)
      note(text);
  });
}

void Console::give_stdout_to_data() { stdout_is_data_ = true; }

void Console::emit(const Json& event) { print(stdout_is_data_ ? stderr : stdout, line(event)); }

void Console::emit_progress(const Progress& progress) {
  Json event{{"event", "progress"},     {"stage", progress.stage}, {"done", progress.done},
             {"total", progress.total}, {"unit", progress.unit},   {"detail", progress.detail}};
  // Where seconds of audio are counted, the detail is the file.
  const auto [stage, first] = stages_.try_emplace(progress.stage + '\n' + (progress.unit == "s" ? progress.detail : ""));
  const auto now = Clock::now();
  if (!first && now - stage->second.written < event_every) {
    stage->second.waiting = std::move(event);
    return;
  }
  if (first) emit_waiting();  // the last ones of the stages before
  stage->second = {now, {}};
  emit(event);
}

void Console::emit_waiting() {
  for (auto& [name, stage] : stages_) {
    if (!stage.waiting.is_null()) emit(stage.waiting);
    stage.waiting = {};
  }
}

void Console::result(const std::string& text, Json event) {
  const std::lock_guard lock(mutex_);
  wipe_bar();
  emit_waiting();
  const std::string said = json_ ? line(event) : text + "\n";
  if (stdout_is_data_) {
    if (json_ || !quiet_) print(stderr, said);
  } else if (!print(stdout, said)) {
    throw Error(ErrorCode::io, fmt::format("Cannot write to standard output: {}.", std::strerror(errno)));
  }
}

void Console::note(const std::string& text) {
  if (quiet_ || json_) return;
  const std::lock_guard lock(mutex_);
  wipe_bar();
  print(stderr, text + "\n");
}

void Console::warning(const std::string& text) {
  const std::lock_guard lock(mutex_);
  wipe_bar();
  emit_waiting();
  if (json_)
    emit({{"event", "warning"}, {"message", text}});
  else if (!quiet_)
    print(stderr, "voxconv: warning: " + text + "\n");
}

void Console::error(ErrorCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  wipe_bar();
  emit_waiting();
  if (json_) emit({{"event", "error"}, {"code", to_string(code)}, {"exit_status", exit_status(code)}, {"message", message}});
  // People who read a log of errors shall find it there with --json, too; where events go to standard error already, once is enough.
  if (!json_ || !stdout_is_data_) print(stderr, "voxconv: " + message + "\n");
}

ProgressFn Console::progress() {
  return [this](const Progress& progress) {
    const std::lock_guard lock(mutex_);
    if (json_) {
      emit_progress(progress);
    } else if (terminal_ && !quiet_) {
      draw_bar(progress);
    }
  };
}

void Console::end_progress() {
  const std::lock_guard lock(mutex_);
  wipe_bar();
  emit_waiting();
  stages_.clear();
}

void Console::wipe_bar() {
  if (!bar_shown_) return;
  print(stderr, "\r\033[K");
  bar_shown_ = false;
  stage_.clear();
}

void Console::draw_bar(const Progress& progress) {
  const auto now = Clock::now();
  if (progress.stage != stage_) {
    stage_ = progress.stage;
    started_ = now;
    first_done_ = progress.done;
  } else if (now - drawn_ < redraw_every && progress.done < progress.total) {
    return;
  }
  drawn_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  std::string line = progress.stage + " ";
  if (progress.total > 0) {
    const double share = std::clamp(progress.done / progress.total, 0.0, 1.0);
    const int full = static_cast<int>(share * bar_width);
    line += fmt::format("[{}{}] {:3.0f} %", std::string(full, '#'), std::string(bar_width - full, '.'), share * 100);
    const double advanced = progress.done - first_done_;
    if (elapsed > 1 && advanced > 0 && share < 1)
      line += fmt::format("  {} left", clock_text(elapsed * (progress.total - progress.done) / advanced));
  } else {
    line += fmt::format("{:.0f} {}  {}", progress.done, progress.unit, clock_text(elapsed));
  }
  if (!progress.detail.empty()) line += "  " + progress.detail;
  print(stderr, "\r\033[K" + clipped(line, static_cast<std::size_t>(terminal_columns() - 1)));
  bar_shown_ = true;
}

}  // namespace voxconv::cli
