#pragma once
#include <cstdint>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// A front cover as a FLAC PICTURE block (RFC 9639, 8.8), as Ogg comments carry it in METADATA_BLOCK_PICTURE, too.
std::vector<std::uint8_t> build_picture_block(const Picture& cover);

}  // namespace voxconv
