#pragma once
#include <memory>

#include "audio/io_file.h"
#include "audio/pcm.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Writes WAV, growing into RF64 past 4 GiB; a target that cannot seek gets the sizes of a stream (all ones).
/// Tags go into LIST/INFO and, with the cover, into an "id3 " chunk, both before the data.
std::unique_ptr<AudioWriter> open_wav_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format);

/// Writes headerless PCM.
std::unique_ptr<AudioWriter> open_raw_writer(std::unique_ptr<OutputFile> output, const WriteOptions& options, PcmFormat format);

}  // namespace voxconv
