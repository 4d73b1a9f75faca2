#pragma once
#include <memory>
#include <optional>

#include "audio/io_file.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Reads what libsndfile reads. `input` is left untouched, and null returned, where libsndfile does not know the file.
/// Throws Error(bad_audio) for a stream with an impossible rate or channel count. Tags are not read here: see tags.h.
std::unique_ptr<AudioReader> open_sndfile_reader(std::unique_ptr<InputFile>& input, Tags tags, std::optional<Picture> cover);

}  // namespace voxconv
