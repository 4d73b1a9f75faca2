#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Cover art as found in a file.
struct Picture {
  std::string mime;  ///< image/jpeg or image/png
  std::vector<std::uint8_t> bytes;
};

/// Tags by FFmpeg's lower-case names: title, artist, album, date, track, genre, comment ...
using Tags = std::map<std::string, std::string>;

/// What is known of a source before any of it was decoded.
struct AudioInfo {
  int rate = 0;
  int channels = 0;
  std::int64_t frames = -1;  ///< length per channel as the container tells it (MP3: with the encoder's padding); -1: it does not
  std::string container;     ///< wav, flac, ogg, mp3, mp4, matroska, raw ...
  std::string codec;         ///< pcm_s16, flac, vorbis, opus, mp3, aac ...
  Tags tags;
  std::optional<Picture> cover;
};

/// Raw PCM description, from "rate,channels,format" with format one of s16 s24 s32 f32 (little endian, interleaved).
struct RawFormat {
  int rate = 48000;
  int channels = 1;
  std::string sample_format = "s16";
  static RawFormat parse(const std::string& text);  ///< throws Error(usage)
};

struct ReadOptions {
  std::optional<RawFormat> raw;  ///< set: the bytes are headerless PCM
};

/// Decodes a source piece by piece; memory does not grow with its length. NaN and infinite samples are read as 0. Frame n is at n / rate on
/// the container's time line: sound that begins late begins with silence, and gaps are silent. One instance per thread.
class AudioReader {
 public:
  virtual ~AudioReader() = default;
  virtual const AudioInfo& info() const = 0;
  /// max_frames further frames into `out` (rate, channels as in info()), fewer at the end, of a pipe, or past 16 million samples; false and
  /// `out` empty at the end. Throws Error(bad_audio) where the stream is corrupt.
  virtual bool read(AudioBuffer& out, std::size_t max_frames) = 0;
};

/// Opens a file, or standard input for "-" (a WAV stream, or raw PCM). Throws Error(not_found | bad_audio | io).
std::unique_ptr<AudioReader> open_reader(const std::string& path, const ReadOptions& options = {});

/// Reads everything; for short sounds (fails with Error(bad_audio) past `max_seconds`).
AudioBuffer read_all(AudioReader& reader, double max_seconds = 3600);

struct WriteOptions {
  int rate = 44100;
  int channels = 1;
  /// wav (= wav16), wav16, wav24, wavf, flac, mp3, ogg, opus, m4a, raw; empty: by the extension of the path.
  std::string format;
  RawFormat raw;         ///< sample format of "raw"
  int bitrate_kbps = 0;  ///< lossy formats; 0: a good default
  Tags tags;
  std::optional<Picture> cover;
};

/// Encodes piece by piece into a temporary file beside the target. Only finish() makes the target appear (fsync, rename);
/// a writer destroyed before leaves nothing. Samples beyond [-1, 1] are clipped: limit before. One instance per thread.
class AudioWriter {
 public:
  virtual ~AudioWriter() = default;
  virtual void write(const AudioBuffer& audio) = 0;  ///< throws Error(io)
  virtual void finish() = 0;                         ///< throws Error(io)
};

/// Opens a target file, or standard output for "-" (a WAV stream, or raw PCM). Throws Error(usage | io).
std::unique_ptr<AudioWriter> open_writer(const std::string& path, const WriteOptions& options);

/// The formats open_writer() knows, in the order they are shown to people.
const std::vector<std::string>& write_formats();

}  // namespace voxconv
