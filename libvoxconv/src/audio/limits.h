#pragma once
#include <string>

#include "core/fail.h"

namespace voxconv {

inline constexpr int min_rate = 1000, max_rate = 768000;
inline constexpr int max_channels = 64;

/// Throws Error(code) unless rate and channel count are ones that voxconv handles; `what` begins the sentence.
inline void check_stream(ErrorCode code, const std::string& what, std::int64_t rate, std::int64_t channels) {
  if (rate < min_rate || rate > max_rate) fail(code, "{}: a sample rate of {} Hz is outside {} to {} Hz.", what, rate, min_rate, max_rate);
  if (channels < 1 || channels > max_channels) fail(code, "{}: {} channels are outside 1 to {}.", what, channels, max_channels);
}

}  // namespace voxconv
