#pragma once
#include <memory>

#include "audio/io_file.h"
#include "audio/pcm.h"
#include "voxconv/audio_io.h"

namespace voxconv {

// What open_writer() chooses from; each is defined in the source of its name.

/// Writes WAV, growing into RF64 past 4 GiB; a target that cannot seek gets the sizes of a stream (all ones).
/// Tags go into LIST/INFO and, with the cover, into an "id3 " chunk, both before the data.
std::unique_ptr<AudioWriter> open_wav_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format);

/// Writes headerless PCM.
std::unique_ptr<AudioWriter> open_raw_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format);

/// Whether `format` (of write_formats()) is written through FFmpeg.
bool is_ffmpeg_format(const std::string& format);

/// Throws Error(usage) if the format cannot hold the channels or go through a pipe; `path` is for messages. Call before anything is
/// created.
void check_ffmpeg_format(const std::string& format, const std::string& path, const WriteOptions& options);

/// Encodes flac (24 bits), mp3, ogg (Vorbis), opus or m4a (AAC). A rate the codec does not know is resampled to the next one it does.
std::unique_ptr<AudioWriter> open_ffmpeg_writer(std::unique_ptr<OutputFile> output, const std::string& format, const WriteOptions& options);

}  // namespace voxconv
