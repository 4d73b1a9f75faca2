#pragma once
#include <fmt/format.h>

#include "voxconv/progress.h"

namespace voxconv {

/// Hands one message to the callback of set_log_callback(); thread-safe.
void log_message(LogLevel level, const std::string& text);

template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace voxconv
