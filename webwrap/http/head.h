#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "http/message.h"

namespace webwrap::http {

/// What the head of a request says.
struct Head {
  Request request;  ///< without body and client
  std::uint64_t length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

/// Reads the head of an HTTP/1.x request: the request line and the header lines, with the empty line at its end. Whatever is not plainly
/// right is refused with a 4xx or 5xx answer, after which the connection must be closed.
std::variant<Head, Response> parse_head(std::string_view text);

/// How long the head at the start of `input` is, its empty line included; nothing: it has not all come yet.
std::optional<std::size_t> head_length(std::string_view input);

}  // namespace webwrap::http
