#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Most frames a reader decodes or a writer converts at once: bounds the memory of what lies in between, whatever a caller or a header asks
/// for.
inline constexpr std::size_t max_block_frames = 65536;

/// NaN and infinity become 0; magnitudes are held below 1e6 (120 dB over full scale), so that all later arithmetic stays finite.
inline float clean_sample(float x) { return std::isfinite(x) ? std::clamp(x, -1e6f, 1e6f) : 0.0f; }

/// Float in [-1, 1] to a signed integer of `bits` bits, rounded and clipped; exact for values that came from such an integer (bits <= 24).
template <int bits>
std::int32_t quantize(float x) {
  constexpr double scale = std::int64_t{1} << (bits - 1);
  return static_cast<std::int32_t>(std::llrint(std::clamp(double(clean_sample(x)) * scale, -scale, scale - 1)));
}

/// Spreads `frames` interleaved frames over the channels of `out` from frame `at` on, cleaning each sample.
inline void deinterleave(const float* interleaved, std::size_t frames, AudioBuffer& out, std::size_t at = 0) {
  const std::size_t n = out.channel_count();
  for (std::size_t c = 0; c < n; ++c) {
    float* to = out.channels[c].data() + at;
    for (std::size_t i = 0; i < frames; ++i) to[i] = clean_sample(interleaved[i * n + c]);
  }
}

inline void append(AudioBuffer& all, const AudioBuffer& more) {
  for (std::size_t c = 0; c < all.channel_count(); ++c)
    all.channels[c].insert(all.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
}

/// The first `frames` frames, which `audio` then does not have any more.
inline AudioBuffer take_first(AudioBuffer& audio, std::size_t frames) {
  AudioBuffer first(audio.rate, 0);
  for (auto& channel : audio.channels) {
    const auto end = channel.begin() + std::ptrdiff_t(frames);
    first.channels.emplace_back(channel.begin(), end);
    channel.erase(channel.begin(), end);
  }
  return first;
}

/// Interleaves frames [begin, end) of `audio`.
inline void interleave(const AudioBuffer& audio, std::size_t begin, std::size_t end, std::vector<float>& out) {
  const std::size_t n = audio.channel_count();
  out.resize((end - begin) * n);
  for (std::size_t c = 0; c < n; ++c)
    for (std::size_t i = begin; i < end; ++i) out[(i - begin) * n + c] = audio.channels[c][i];
}

}  // namespace voxconv
