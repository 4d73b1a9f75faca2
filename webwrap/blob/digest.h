#pragma once
#include <string>

namespace webwrap {

/// The sha256 of a file's bytes, hex. Throws std::runtime_error where it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace webwrap
