#include "audio/pcm.h"

#include <bit>
#include <cstring>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are copied as they lie in memory");

template <typename ToBits>
void encode(const AudioBuffer& audio, std::size_t begin, std::size_t end, std::size_t width, std::uint8_t* to, ToBits to_bits) {
  const std::size_t n = audio.channel_count();
  for (std::size_t c = 0; c < n; ++c)
    for (std::size_t i = begin; i < end; ++i) {
      const auto bits = to_bits(audio.channels[c][i]);
      std::memcpy(to + ((i - begin) * n + c) * width, &bits, width);
    }
}

template <typename FromBits>
void decode(const std::uint8_t* bytes, std::size_t frames, std::size_t width, AudioBuffer& out, FromBits from_bits) {
  const std::size_t n = out.channel_count(), before = out.frames();
  for (auto& channel : out.channels) channel.resize(before + frames);
  for (std::size_t c = 0; c < n; ++c)
    for (std::size_t i = 0; i < frames; ++i) {
      std::uint32_t bits = 0;
      // Integers land in the upper bytes, so that their sign is the word's.
      std::memcpy(reinterpret_cast<std::uint8_t*>(&bits) + (4 - width), bytes + (i * n + c) * width, width);
      out.channels[c][before + i] = from_bits(bits);
    }
}

}  // namespace

PcmFormat parse_pcm_format(const std::string& name) {
  if (name == "s16") return PcmFormat::s16;
  if (name == "s24") return PcmFormat::s24;
  if (name == "s32") return PcmFormat::s32;
  if (name == "f32") return PcmFormat::f32;
  fail(ErrorCode::usage, "\"{}\" is no raw sample format: use s16, s24, s32 or f32.", name);
}

std::size_t bytes_per_sample(PcmFormat format) { return format == PcmFormat::s16 ? 2 : format == PcmFormat::s24 ? 3 : 4; }

void encode_pcm(const AudioBuffer& audio, std::size_t begin, std::size_t end, PcmFormat format, std::vector<std::uint8_t>& out) {
  const std::size_t width = bytes_per_sample(format), at = out.size();
  out.resize(at + (end - begin) * audio.channel_count() * width);
  std::uint8_t* to = out.data() + at;
  switch (format) {
    case PcmFormat::s16: return encode(audio, begin, end, width, to, quantize<16>);
    case PcmFormat::s24: return encode(audio, begin, end, width, to, quantize<24>);
    case PcmFormat::s32: return encode(audio, begin, end, width, to, quantize<32>);
    case PcmFormat::f32: return encode(audio, begin, end, width, to, clean_sample);
  }
}

void decode_pcm(const std::uint8_t* bytes, std::size_t frames, PcmFormat format, AudioBuffer& out) {
  if (format == PcmFormat::f32)
    return decode(bytes, frames, 4, out, [](std::uint32_t bits) { return clean_sample(std::bit_cast<float>(bits)); });
  decode(bytes, frames, bytes_per_sample(format), out, [](std::uint32_t bits) { return float(double(std::int32_t(bits)) / 2147483648.0); });
}

}  // namespace voxconv
