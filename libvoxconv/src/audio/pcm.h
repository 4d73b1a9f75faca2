#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Little-endian interleaved samples.
enum class PcmFormat { s16, s24, s32, f32 };

PcmFormat parse_pcm_format(const std::string& name);  ///< s16, s24, s32 or f32, else Error(usage)
std::size_t bytes_per_sample(PcmFormat format);

/// Appends frames [begin, end) of `audio` to `out`; integers are rounded and clipped.
void encode_pcm(const AudioBuffer& audio, std::size_t begin, std::size_t end, PcmFormat format, std::vector<std::uint8_t>& out);

/// Appends `frames` frames from `bytes` to the channels of `out`.
void decode_pcm(const std::uint8_t* bytes, std::size_t frames, PcmFormat format, AudioBuffer& out);

}  // namespace voxconv
