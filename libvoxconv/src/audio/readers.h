#pragma once
#include <memory>
#include <optional>

#include "audio/ffmpeg.h"
#include "voxconv/audio_io.h"

namespace voxconv {

// What open_reader() chooses from; each is defined in the source of its name.

/// Reads headerless PCM. Throws Error(usage) if the format makes no sense.
std::unique_ptr<AudioReader> open_raw_reader(std::unique_ptr<InputFile> input, const RawFormat& format);

/// Reads FLAC and Ogg (Vorbis, Opus) through libsndfile. Its other readers are left alone: that of MP3 prints to standard error, that of
/// WAV can be held for minutes by a file of 400 bytes (libsndfile 1.2.0). `input` is left untouched, and null returned, for another file.
/// Throws Error(bad_audio) for a stream with an impossible rate or channel count. Tags are not read here: see tags.h.
std::unique_ptr<AudioReader> open_sndfile_reader(std::unique_ptr<InputFile>& input, Tags tags, std::optional<Picture> cover);

/// Reads the audio of an opened container through FFmpeg. Throws Error(bad_audio) if it has none or its codec is unknown.
/// The sound lies where the container's time stamps put it (time_line.h): what begins late begins with silence, and gaps are silent. A
/// damaged packet becomes silence of its length, with one warning in the log; a stream of nothing but damage is an Error(bad_audio).
std::unique_ptr<AudioReader> open_ffmpeg_reader(std::unique_ptr<InputFile> input, std::unique_ptr<Demuxer> demuxer);

}  // namespace voxconv
