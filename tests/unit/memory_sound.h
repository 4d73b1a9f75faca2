#pragma once
#include <algorithm>
#include <cstddef>
#include <utility>

#include "voxconv/audio_io.h"

namespace voxconv {

/// A sound in memory; what is read and written.
struct MemorySound : AudioReader, AudioWriter {
  explicit MemorySound(AudioBuffer content) : audio(std::move(content)) {
    details.rate = audio.rate;
    details.channels = int(audio.channel_count());
  }
  const AudioInfo& info() const override { return details; }
  bool read(AudioBuffer& out, std::size_t most) override {
    const std::size_t count = std::min(most, audio.frames() - place);
    out = AudioBuffer(audio.rate, 0);
    for (const auto& channel : audio.channels)
      out.channels.emplace_back(channel.begin() + std::ptrdiff_t(place), channel.begin() + std::ptrdiff_t(place + count));
    place += count;
    return count > 0;
  }
  void write(const AudioBuffer& more) override {
    for (std::size_t c = 0; c < audio.channel_count(); ++c)
      audio.channels[c].insert(audio.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
  }
  void finish() override {}
  AudioInfo details;
  AudioBuffer audio;
  std::size_t place = 0;
};

}  // namespace voxconv
