#include "eval/memory_audio.h"

#include <algorithm>

namespace voxconv::eval {

MemoryReader::MemoryReader(const AudioBuffer& audio) : audio_(audio) {
  info_.rate = audio.rate;
  info_.channels = static_cast<int>(audio.channel_count());
  info_.frames = static_cast<std::int64_t>(audio.frames());
  info_.container = "memory";
  info_.codec = "pcm_f32";
}

bool MemoryReader::read(AudioBuffer& out, std::size_t max_frames) {
  const std::size_t count = std::min(max_frames, audio_.frames() - position_);
  out = AudioBuffer(audio_.rate, audio_.channel_count());
  for (std::size_t c = 0; c < out.channels.size(); ++c) {
    const auto from = audio_.channels[c].begin() + std::ptrdiff_t(position_);
    out.channels[c].assign(from, from + std::ptrdiff_t(count));
  }
  position_ += count;
  return count > 0;
}

void CapturingWriter::write(const AudioBuffer& audio) {
  if (audio_.channels.empty()) audio_ = AudioBuffer(audio.rate, audio.channel_count());
  for (std::size_t c = 0; c < audio.channels.size(); ++c)
    audio_.channels[c].insert(audio_.channels[c].end(), audio.channels[c].begin(), audio.channels[c].end());
}

}  // namespace voxconv::eval
