#pragma once
#include <fmt/format.h>

#include "voxconv/error.h"

namespace voxconv {

/// Throws Error(code) with a formatted sentence.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace voxconv
