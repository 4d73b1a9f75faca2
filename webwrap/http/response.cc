#include "http/response.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <optional>
#include <string>

namespace webwrap::http {
namespace {

constexpr std::size_t min_compressed_bytes = 1024;
constexpr int gzip_window = 15 + 16;

bool is_text(const std::string& type) {
  return type.starts_with("text/") || type.starts_with("application/json") || type.ends_with("+json") || type.starts_with("image/svg");
}

/// "gzip, deflate;q=0.5, br": whether gzip is among them and not refused by q=0.
bool takes_gzip(const std::string& accepted) {
  const std::size_t at = accepted.find("gzip");
  if (at == std::string::npos) return false;
  const std::string rest = accepted.substr(at + 4, accepted.find(',', at) - at - 4);
  const std::size_t q = rest.find("q=0");
  return q == std::string::npos || rest.find_first_of("123456789", q + 3) != std::string::npos;
}

/// Empty: it failed.
std::string gzipped(const std::string& text) {
  z_stream stream = {};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  ::deflateEnd(&stream);
  return out;
}

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

constexpr std::int64_t max_bytes_per_write = 1 << 20;

/// What a handler puts into a header must not begin another one.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

}  // namespace

std::string content_security_policy(const std::string& frame_ancestors) {
  return "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; "
         "base-uri 'none'; form-action 'self'; frame-ancestors " +
         frame_ancestors;
}

void add_security_headers(const std::string& path, Response& response) {
  const auto add = [&](const char* name, const std::string& value) {
    if (!response.find_header(name)) response.headers.emplace_back(name, value);
  };
  add("Content-Security-Policy", content_security_policy("'none'"));
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "same-origin");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)");
  if (!path.starts_with("/api/")) return;
  add("Cache-Control", "no-store");
  // Opened as a page, JSON is saved, never shown: no browser can take it for something else.
  if (response.type.ends_with("json") && !response.body.empty()) add("Content-Disposition", "attachment; filename=\"api.json\"");
}

void compress(const Request& request, Response& response) {
  if (response.file || !is_text(response.type) || response.find_header("Content-Encoding")) return;
  const std::string* caching = response.find_header("Cache-Control");
  if (!caching || caching->find("no-store") != std::string::npos) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (response.body.size() < min_compressed_bytes || !takes_gzip(request.header("accept-encoding"))) return;
  std::string body = gzipped(response.body);
  if (body.empty()) return;
  response.body = std::move(body);
  response.headers.emplace_back("Content-Encoding", "gzip");
  for (auto& [name, value] : response.headers)
    if (name == "ETag" && value.starts_with('"')) value = "W/" + value;
}

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

Output::Progress Output::write(int socket) {
  std::int64_t budget = max_bytes_per_write;
  while (sent < bytes.size() || left > 0) {
    if (budget <= 0) return Progress::blocked;
    ssize_t count = 0;
    if (sent < bytes.size()) {
      count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT | (left > 0 ? MSG_MORE : 0));
      if (count > 0) sent += static_cast<std::size_t>(count);
    } else {
      count = ::sendfile(socket, file.get(), &offset, static_cast<std::size_t>(std::min(left, budget)));
      if (count == 0) return Progress::broken;  // the file has become shorter
      if (count > 0) left -= count;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Progress::blocked : Progress::broken;
    budget -= count;
  }
  return Progress::done;
}

Output make_output(const Response& response, bool keep_alive, std::int64_t length) {
  Output output;
  output.keep_alive = keep_alive;
  std::string& out = output.bytes;
  out = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nConnection: {}\r\n", response.status,
                    reason_of(response.status), fmt::gmtime(std::time(nullptr)), keep_alive ? "keep-alive" : "close");
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) {
    if (!response.type.empty() && !response.find_header("Content-Type"))
      out += fmt::format("Content-Type: {}\r\n", one_line(response.type));
    if (!response.find_header("Content-Length")) out += fmt::format("Content-Length: {}\r\n", length);
  }
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", one_line(name), one_line(value));
  out += "\r\n";
  if (!bodiless) out += response.body;
  return output;
}

}  // namespace webwrap::http
