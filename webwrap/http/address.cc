#include "http/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace webwrap::http {

std::string network_of(const std::string& address) {
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  if (std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char b) { return b == 0; }) && bytes[10] == 0xff && bytes[11] == 0xff)
    return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);  // IPv4-mapped
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return std::string(text.data()) + "/64";
}

}  // namespace webwrap::http
