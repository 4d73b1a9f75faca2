#pragma once
#include <cstdint>
#include <string>

#include "http/message.h"

namespace webwrap::http {

/// Which part of a file to send.
struct FilePart {
  std::int64_t offset = 0, length = 0;
};

/// Decides what of a file of `size` bytes answers the request, and sets the response's status and headers accordingly: 200; 206 for a
/// Range of one part, unless If-Range names another `etag`; 304 for If-None-Match; 416 with an empty part. `etag`: with its quotes.
FilePart choose_part(const Request& request, std::int64_t size, const std::string& etag, Response& response);

}  // namespace webwrap::http
