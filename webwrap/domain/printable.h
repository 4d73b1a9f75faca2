#pragma once
#include <string>

namespace webwrap {

/// Untrusted text, made safe for a terminal: control characters of ASCII and of C1 (escape sequences), marks that turn the direction of the
/// text, and what is not UTF-8 become '?'; lines but the first begin with `indent`.
std::string printable(const std::string& text, const std::string& indent = "");

}  // namespace webwrap
