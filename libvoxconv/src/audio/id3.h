#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// An ID3v2.4 tag (https://id3.org/id3v2.4.0-frames): known keys as text frames, others as TXXX, a comment as COMM, the cover as APIC.
/// Empty if there is nothing to say.
std::vector<std::uint8_t> build_id3(const Tags& tags, const std::optional<Picture>& cover);

/// The text of an ID3v2.3 or v2.4 tag in UTF-8 or Latin-1, as build_id3() maps it; what it does not know or what is damaged is left out.
/// For tags inside WAV only: elsewhere FFmpeg reads them.
Tags parse_id3(std::span<const std::uint8_t> bytes);

}  // namespace voxconv
