#pragma once
#include <string>
#include <vector>

namespace voxconv {

/// What lies in a folder and is not converted.
struct LeftOut {
  std::string path;
  std::string reason;  ///< part of a sentence: "it holds no sound"
};

/// Sound files below a folder, in depth, in a stable order. The content decides; a file whose name claims sound is taken whatever it holds,
/// so that a damaged file is an error and not skipped. Everything else is added to `left_out`, but for hidden files and folders, and a
/// folder `except`. Throws Error(not_found | io) if the folder is missing or cannot be read.
std::vector<std::string> find_audio(const std::string& dir, const std::string& except, std::vector<LeftOut>& left_out);

/// The same; what is left out is logged.
std::vector<std::string> find_audio(const std::string& dir, const std::string& except = "");

}  // namespace voxconv
