#pragma once
#include <cstddef>
#include <vector>

namespace voxconv {

/// Planar sound: one vector of float32 samples per channel, nominally in [-1, 1], all of one length.
struct AudioBuffer {
  int rate = 0;  ///< samples a second
  std::vector<std::vector<float>> channels;

  AudioBuffer() = default;
  AudioBuffer(int sample_rate, std::size_t channel_count, std::size_t frames = 0)
      : rate(sample_rate), channels(channel_count, std::vector<float>(frames)) {}

  std::size_t channel_count() const { return channels.size(); }
  std::size_t frames() const { return channels.empty() ? 0 : channels.front().size(); }
  bool empty() const { return frames() == 0; }
  double seconds() const { return rate > 0 ? double(frames()) / rate : 0.0; }
};

}  // namespace voxconv
