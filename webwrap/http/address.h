#pragma once
#include <string>

namespace webwrap::http {

/// What limits count a client's address by: the IPv4 address, also where it is written as an IPv6 one, or the /64 network of an IPv6
/// address, all of which one client may own. Anything else is given back as it is.
std::string network_of(const std::string& address);

}  // namespace webwrap::http
