#include "http/file_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace webwrap::http {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Nothing: no range of one part, so that the whole file is the answer. A length of 0: it lies outside of the file.
std::optional<FilePart> parse_range(std::string_view text, std::int64_t size) {
  if (!text.starts_with("bytes=")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const std::string_view from = text.substr(0, dash), to = text.substr(dash + 1);
  const auto first = number(from), last = number(to);
  if (from.empty()) {  // the last so many bytes
    if (!last) return std::nullopt;
    const std::int64_t length = std::min(*last, size);
    return FilePart{size - length, length};
  }
  if (!first || (!to.empty() && (!last || *last < *first))) return std::nullopt;
  if (*first >= size) return FilePart{};
  return FilePart{*first, (last ? std::min(*last, size - 1) : size - 1) - *first + 1};
}

}  // namespace

FilePart choose_part(const Request& request, std::int64_t size, const std::string& etag, Response& response) {
  response.headers.emplace_back("ETag", etag);
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (const std::string known = request.header("if-none-match"); known == "*" || known.find(etag) != std::string::npos) {
    response.status = 304;
    return {};
  }
  const std::string range = request.header("range"), if_range = request.header("if-range");
  const FilePart whole{0, size};
  if (range.empty() || request.method != Method::get || (!if_range.empty() && if_range != etag)) return whole;
  const auto part = parse_range(range, size);
  if (!part) return whole;
  if (part->length == 0) {
    response.status = 416;
    response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return {};
  }
  response.status = 206;
  response.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", part->offset, part->offset + part->length - 1, size));
  return *part;
}

}  // namespace webwrap::http
