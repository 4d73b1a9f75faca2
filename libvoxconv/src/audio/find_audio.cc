#include "audio/find_audio.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "audio/ffmpeg.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/text.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t named_in_log = 5;

bool claims_sound(const fs::path& path) {
  static const std::set<std::string> extensions = {
      ".3ga",  ".3gp", ".aac",  ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf",  ".au",   ".avi",  ".caf",  ".dts", ".eac3",
      ".flac", ".flv", ".m4a",  ".m4b", ".m4v", ".mka",  ".mkv",  ".mov", ".mp2", ".mp3",  ".mp4",  ".mpg",  ".mpga", ".oga", ".ogg",
      ".ogv",  ".ogx", ".opus", ".snd", ".spx", ".tta",  ".voc",  ".w64", ".wav", ".wave", ".weba", ".webm", ".wma",  ".wmv", ".wv"};
  return extensions.contains(to_lower(path.extension().string()));
}

enum class Content { sound, no_sound, unknown };

/// What the bytes of a file are. A guess of FFmpeg's that rests on little is none: some pictures and programs look like MP3 for a while.
Content content_of(const std::string& path) {
  constexpr int sure = AVPROBE_SCORE_EXTENSION;
  InputFile input(path);
  const Demuxer demuxer(input);
  AVFormatContext* format = demuxer.get();
  if (format->probe_score < sure) return Content::unknown;
  // Some containers say in their head what they hold, others only amid it.
  if (format->ctx_flags & AVFMTCTX_NOHEADER && avformat_find_stream_info(format, nullptr) < 0) return Content::unknown;
  for (unsigned i = 0; i < format->nb_streams; ++i)
    if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) return Content::sound;
  return Content::no_sound;
}

/// Why a file is left out; empty: it is not.
std::string reason_against(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return fmt::format("it cannot be looked at ({})", error.message());
  if (!fs::is_regular_file(status)) return "it is no file";
  try {
    const Content content = content_of(path.string());
    if (content == Content::sound || (content == Content::unknown && claims_sound(path))) return "";
  } catch (const Error& e) {
    if (claims_sound(path)) return "";
    if (e.code() != ErrorCode::bad_audio) return fmt::format("it cannot be read ({})", e.what());
  }
  return "it holds no sound";
}

void log_left_out(const std::string& dir, const std::vector<LeftOut>& files) {
  if (files.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(files.size(), named_in_log); ++i)
    names += fmt::format("{}{} ({})", i ? ", " : "", fs::path(files[i].path).lexically_relative(dir).string(), files[i].reason);
  if (files.size() > named_in_log) names += fmt::format(" and {} more", files.size() - named_in_log);
  log_warning("Left out in {}: {}.", dir, names);
}

}  // namespace

std::vector<std::string> find_audio(const std::string& dir, const std::string& except, std::vector<LeftOut>& left_out) {
  std::error_code none, error;  // one for what cannot be looked at, such as a link to itself: that is no sound
  if (!fs::is_directory(dir, none)) fail(ErrorCode::not_found, "{} is no folder.", dir);
  std::vector<std::string> files;
  std::vector<LeftOut> others;
  for (fs::recursive_directory_iterator item(dir, error), end; item != end; item.increment(error)) {
    const fs::path& path = item->path();
    const bool folder = item->is_directory(none);
    if (path.filename().string().starts_with('.') || (folder && fs::equivalent(path, except, none))) {
      item.disable_recursion_pending();
      continue;
    }
    if (folder) {
      if (std::error_code denied; fs::directory_iterator(path, denied), denied == std::errc::permission_denied) {
        item.disable_recursion_pending();
        others.push_back({path.string(), fmt::format("it cannot be looked into ({})", denied.message())});
      }
      continue;
    }
    if (std::string reason = reason_against(path); reason.empty())
      files.push_back(path.string());
    else
      others.push_back({path.string(), std::move(reason)});
  }
  if (error) fail(ErrorCode::io, "Cannot read the folder {}: {}.", dir, error.message());
  std::sort(files.begin(), files.end());
  std::sort(others.begin(), others.end(), [](const LeftOut& a, const LeftOut& b) { return a.path < b.path; });
  left_out.insert(left_out.end(), others.begin(), others.end());
  return files;
}

std::vector<std::string> find_audio(const std::string& dir, const std::string& except) {
  std::vector<LeftOut> left_out;
  std::vector<std::string> files = find_audio(dir, except, left_out);
  log_left_out(dir, left_out);
  return files;
}

}  // namespace voxconv
