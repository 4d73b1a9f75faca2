#pragma once
#include <string>

namespace voxconv {

/// SHA-256 of a file as 64 lower-case hex digits. Throws Error(not_found | io).
std::string sha256_file(const std::string& path);

}  // namespace voxconv
