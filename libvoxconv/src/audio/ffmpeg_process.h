#pragma once

namespace voxconv {

/// Stops FFmpeg from writing to standard error and from taking more than 128 MiB at once, whatever size a file claims; for the whole
/// process, so programs have to ask for it (prepare_process()).
void restrain_ffmpeg();

}  // namespace voxconv
