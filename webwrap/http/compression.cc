#include "http/compression.h"

#include <zlib.h>

#include <string>

namespace webwrap::http {
namespace {

constexpr std::size_t smallest = 1024;
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

}  // namespace

void compress(const Request& request, Response& response) {
  if (response.file || !is_text(response.type) || response.find_header("Content-Encoding")) return;
  const std::string* caching = response.find_header("Cache-Control");
  if (!caching || caching->find("no-store") != std::string::npos) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (response.body.size() < smallest || !takes_gzip(request.header("accept-encoding"))) return;
  std::string body = gzipped(response.body);
  if (body.empty()) return;
  response.body = std::move(body);
  response.headers.emplace_back("Content-Encoding", "gzip");
  for (auto& [name, value] : response.headers)
    if (name == "ETag" && value.starts_with('"')) value = "W/" + value;
}

}  // namespace webwrap::http
