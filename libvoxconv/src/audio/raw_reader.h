#pragma once
#include <memory>

#include "audio/io_file.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Reads headerless PCM. Throws Error(usage) if the format makes no sense.
std::unique_ptr<AudioReader> open_raw_reader(std::unique_ptr<InputFile> input, const RawFormat& format);

}  // namespace voxconv
