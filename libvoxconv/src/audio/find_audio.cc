#include "audio/find_audio.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;

std::vector<std::string> find_audio(const std::string& dir, const std::string& except) {
  static const std::set<std::string> extensions = {".wav", ".flac", ".ogg",  ".oga", ".opus", ".mp3",  ".m4a", ".aac", ".mp4",
                                                   ".mkv", ".mka",  ".webm", ".mov", ".aif",  ".aiff", ".w64", ".caf", ".wma"};
  std::error_code none, error;  // one for what cannot be looked at, such as a link to itself: that is no sound
  if (!fs::is_directory(dir, none)) fail(ErrorCode::not_found, "{} is no folder.", dir);
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator item(dir, fs::directory_options::skip_permission_denied, error), end; item != end;
       item.increment(error)) {
    const std::string name = item->path().filename().string();
    if (name.starts_with('.') || (item->is_directory(none) && fs::equivalent(item->path(), except, none))) {
      item.disable_recursion_pending();
      continue;
    }
    std::string extension = item->path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    if (extensions.contains(extension) && item->is_regular_file(none)) files.push_back(item->path().string());
  }
  if (error) fail(ErrorCode::io, "Cannot read the folder {}: {}.", dir, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace voxconv
