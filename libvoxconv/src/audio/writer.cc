#include <algorithm>
#include <filesystem>

#include "audio/limits.h"
#include "audio/writers.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/text.h"

namespace voxconv {
namespace {

std::string format_of(const std::string& path, const WriteOptions& options) {
  std::string format = options.format;
  if (format.empty()) {
    if (path == "-") return "wav16";
    format = std::filesystem::path(path).extension().string();
    if (format.empty()) fail(ErrorCode::usage, "{} has no extension to tell its format by: name a format.", path);
    format.erase(0, 1);
    format = to_lower(std::move(format));
    if (format == "oga") return "ogg";
    if (format == "mp4") return "m4a";
    if (format == "pcm") return "raw";
  }
  if (std::ranges::find(write_formats(), format) == write_formats().end()) {
    std::string known;
    for (const auto& name : write_formats()) known += (known.empty() ? "" : ", ") + name;
    fail(ErrorCode::usage, "Cannot write {}: \"{}\" is no format voxconv writes; use one of {}.", path, format, known);
  }
  return format == "wav" ? "wav16" : format;
}

}  // namespace

const std::vector<std::string>& write_formats() {
  static const std::vector<std::string> formats{"wav", "wav16", "wav24", "wavf", "flac", "mp3", "ogg", "opus", "m4a", "raw"};
  return formats;
}

std::unique_ptr<AudioWriter> open_writer(const std::string& path, const WriteOptions& options) try {
  const std::string format = format_of(path, options);
  check_stream(ErrorCode::usage, path, options.rate, options.channels);
  if (options.cover && options.cover->mime != "image/jpeg" && options.cover->mime != "image/png")
    fail(ErrorCode::usage, "{}: a cover must be image/jpeg or image/png, not {}.", path, options.cover->mime);
  const PcmFormat raw = parse_pcm_format(options.raw.sample_format);
  if (is_ffmpeg_format(format)) check_ffmpeg_format(format, path, options);
  auto output = std::make_unique<OutputFile>(path);
  if (is_ffmpeg_format(format)) return open_ffmpeg_writer(std::move(output), format, options);
  if (format == "raw") return open_raw_writer(std::move(output), options, raw);
  return open_wav_writer(std::move(output), options,
                         format == "wavf"    ? PcmFormat::f32
                         : format == "wav24" ? PcmFormat::s24
                                             : PcmFormat::s16);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
