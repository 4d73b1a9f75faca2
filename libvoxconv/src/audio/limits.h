#pragma once
#include <string>

#include "core/fail.h"

namespace voxconv {

inline constexpr int min_rate = 1000, max_rate = 768000;
inline constexpr int max_channels = 64;
/// Samples of all channels together: a compressed file of a few kilobytes can claim any number of them, and each one costs time.
inline constexpr std::int64_t max_samples_per_second = 3'072'000;             // 64 channels at 48 kHz, 8 at 384 kHz, 4 at 768 kHz
inline constexpr std::int64_t max_samples = std::int64_t{1} << 34;            // two channels at 48 kHz for 49 hours
inline constexpr std::int64_t max_samples_of_a_read = std::int64_t{1} << 24;  // 64 MiB

/// Throws Error(code) unless rate and channel count are ones that voxconv handles; `what` begins the sentence.
inline void check_stream(ErrorCode code, const std::string& what, std::int64_t rate, std::int64_t channels) {
  if (rate < min_rate || rate > max_rate) fail(code, "{}: a sample rate of {} Hz is outside {} to {} Hz.", what, rate, min_rate, max_rate);
  if (channels < 1 || channels > max_channels) fail(code, "{}: {} channels are outside 1 to {}.", what, channels, max_channels);
  if (rate * channels > max_samples_per_second)
    fail(code, "{}: {} channels at {} Hz are {:.1f} million samples a second; up to {:.1f} million are handled: lower the rate first.",
         what, channels, rate, double(rate * channels) / 1e6, double(max_samples_per_second) / 1e6);
}

/// Throws Error(bad_audio) if `frames` frames are more than voxconv reads of one source.
inline void check_length(const std::string& what, int rate, int channels, std::int64_t frames) {
  if (frames <= max_samples / channels) return;
  fail(ErrorCode::bad_audio, "{} is longer than {:.0f} hours of {} channels at {} Hz, which is the most that is read: split it first.",
       what, double(max_samples) / channels / rate / 3600, channels, rate);
}

}  // namespace voxconv
