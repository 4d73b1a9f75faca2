#pragma once
#include <algorithm>
#include <cstddef>

#include "audio/samples.h"

namespace voxconv {

/// What a stream with push() and finish() makes of `audio` that comes in pieces of `piece` frames.
template <class Stream>
AudioBuffer in_pieces(Stream& stream, const AudioBuffer& audio, std::size_t piece) {
  AudioBuffer out(audio.rate, audio.channel_count());
  for (std::size_t at = 0; at < audio.frames(); at += piece) {
    AudioBuffer part(audio.rate, 0);
    for (const auto& channel : audio.channels)
      part.channels.emplace_back(channel.begin() + std::ptrdiff_t(at),
                                 channel.begin() + std::ptrdiff_t(std::min(audio.frames(), at + piece)));
    append(out, stream.push(part));
  }
  append(out, stream.finish());
  return out;
}

}  // namespace voxconv
