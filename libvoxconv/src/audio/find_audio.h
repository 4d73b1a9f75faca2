#pragma once
#include <string>
#include <vector>

namespace voxconv {

/// Audio files below a folder, in depth, in a stable order; known by their extension. Hidden files and folders are left out, and a folder
/// `except` among them. Throws Error(not_found | io) if the folder is missing or cannot be read.
std::vector<std::string> find_audio(const std::string& dir, const std::string& except = "");

}  // namespace voxconv
