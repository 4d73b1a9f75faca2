#pragma once
#include <memory>
#include <optional>

#include "audio/io_file.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Reads FLAC and Ogg (Vorbis, Opus) through libsndfile. Its other readers are left alone: that of MP3 prints to standard error, that of
/// WAV can be held for minutes by a file of 400 bytes (libsndfile 1.2.0). `input` is left untouched, and null returned, for another file.
/// Throws Error(bad_audio) for a stream with an impossible rate or channel count. Tags are not read here: see tags.h.
std::unique_ptr<AudioReader> open_sndfile_reader(std::unique_ptr<InputFile>& input, Tags tags, std::optional<Picture> cover);

}  // namespace voxconv
