#pragma once
#include <memory>

#include "audio/ffmpeg.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Reads the audio of an opened container through FFmpeg. Throws Error(bad_audio) if it has none or its codec is unknown.
/// The sound lies where the container's time stamps put it (time_line.h): what begins late begins with silence, and gaps are silent. A
/// damaged packet becomes silence of its length, with one warning in the log; a stream of nothing but damage is an Error(bad_audio).
std::unique_ptr<AudioReader> open_ffmpeg_reader(std::unique_ptr<InputFile> input, std::unique_ptr<Demuxer> demuxer);

}  // namespace voxconv
