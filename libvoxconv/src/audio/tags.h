#pragma once
#include <optional>

#include "audio/ffmpeg.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Tags of an opened container and its audio stream (may be null), keys in lower case; technical ones (encoder, brands, replay gain ...),
/// which would be wrong for other audio, are left out.
Tags read_tags(const AVFormatContext& format, const AVStream* stream);

/// Adds the text of a WAV file's "id3 " chunk, which FFmpeg passes over where there is a LIST/INFO chunk as well. Nothing for other files.
void add_wav_id3_tags(const InputFile& input, Tags& tags);

/// The cover art of an opened container: its front cover, or its first picture. JPEG or PNG, up to 16 MiB.
std::optional<Picture> read_cover(const AVFormatContext& format);

}  // namespace voxconv
