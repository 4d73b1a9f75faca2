#pragma once
#include <string>
#include <string_view>

namespace voxconv {

/// `text` if it is well-formed UTF-8, else `text` read as Latin-1: old tags and names of files do not say which they are.
std::string to_utf8(std::string_view text);

/// ASCII letters in lower case.
std::string to_lower(std::string text);

}  // namespace voxconv
