#pragma once
#include "audio/io_file.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Puts tags and cover into a finished MP4 file whose last box is moov, as iTunes lays them out (moov/udta/meta/ilst; fields without a box
/// of their own as "----"). Replaces what was there. Throws Error(io), and Error(internal) if the file is not built like that.
void write_mp4_tags(OutputFile& file, const Tags& tags, const std::optional<Picture>& cover);

}  // namespace voxconv
