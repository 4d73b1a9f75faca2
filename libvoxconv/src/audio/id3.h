#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// An ID3v2.4 tag (https://id3.org/id3v2.4.0-frames): known keys as text frames, others as TXXX, a comment as COMM, the cover as APIC.
/// Empty if there is nothing to say.
std::vector<std::uint8_t> build_id3(const Tags& tags, const std::optional<Picture>& cover);

}  // namespace voxconv
