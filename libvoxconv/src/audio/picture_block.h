#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

struct PictureSize {
  int width = 0, height = 0;
};

/// The size of a JPEG or PNG by its header; none if that cannot be read.
std::optional<PictureSize> picture_size(const Picture& picture);

/// A front cover as a FLAC PICTURE block (RFC 9639, 8.8), as Ogg comments carry it in METADATA_BLOCK_PICTURE, too.
std::vector<std::uint8_t> build_picture_block(const Picture& cover);

}  // namespace voxconv
