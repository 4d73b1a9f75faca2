#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace webwrap {

/// The address in lower case, as it is stored and looked up; nothing: not an address that mail can be sent to. ASCII only, no quoted names,
/// no address literals; at most 254 characters. (Providers treat names without regard to case, though RFC 5321 would allow otherwise.)
std::optional<std::string> normal_email(std::string_view text);

}  // namespace webwrap
