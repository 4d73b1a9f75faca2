#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "voxconv/audio_io.h"

namespace voxconv {

struct VideoOptions {
  int width = 1080, height = 1920;  ///< even
  int frame_rate = 30;              ///< pictures a second
  int rate = 44100, channels = 2;   ///< of the sound
  double max_seconds = 60;          ///< room is made for the index of so much, so that it lies before the sound and pictures
  int threads = 1;                  ///< of the encoder
  Tags tags;
};

/// Encodes an mp4 of H.264 and AAC into a temporary file beside the target. Only finish() makes the target appear; a writer destroyed
/// before leaves nothing. Sound and pictures are given roughly in step. One instance per thread.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  /// The next picture: rows of `stride` bytes with four bytes a pixel: blue, green, red, any. Throws Error(io).
  virtual void write_picture(const std::uint8_t* pixels, std::size_t stride) = 0;
  virtual void write_sound(const AudioBuffer& audio) = 0;  ///< throws Error(io)
  virtual void finish() = 0;                               ///< throws Error(io)
};

/// Throws Error(usage | io), usage also where video_encoder() is empty.
std::unique_ptr<VideoWriter> open_video_writer(const std::string& path, const VideoOptions& options);

/// The H.264 encoder that FFmpeg has on this machine (docs/releases.md says which are looked for); empty: none, so that no videos can be
/// made.
std::string video_encoder();

}  // namespace voxconv
