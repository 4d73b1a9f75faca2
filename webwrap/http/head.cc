#include "http/head.h"

#include <algorithm>
#include <charconv>

#include "domain/text.h"

namespace webwrap::http {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

Response bad_request(const char* detail) { return problem(400, "bad_request", detail); }

/// Fills method, path, query and version; an answer where the line is wrong.
std::optional<Response> read_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last || line.find(' ', first + 1) != last)
    return bad_request("The request line cannot be understood.");
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return problem(505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  head.keep_alive = version == "HTTP/1.1";
  const auto method = method_of(line.substr(0, first));
  if (!method) return problem(501, "unknown_method", "This request method is not known here.");
  head.request.method = *method;
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.starts_with("http://") || target.starts_with("https://")) {  // as proxies write it
    const std::size_t slash = target.find('/', target.find("//") + 2);
    target = slash == target.npos ? "/" : target.substr(slash);
  }
  if (target == "*") target = "/";  // OPTIONS *
  const std::size_t question = std::min(target.find('?'), target.size());
  const auto path = decode_path(target.substr(0, question));
  if (!path) return bad_request("The address cannot be understood.");
  head.request.path = *path;
  if (question < target.size()) head.request.query = parse_query(target.substr(question + 1));
  return std::nullopt;
}

std::optional<Response> read_length(const Request& request, Head& head) {
  const auto found = request.headers.find("content-length");
  if (request.headers.contains("transfer-encoding")) {
    if (found != request.headers.end()) return bad_request("Content-Length and Transfer-Encoding exclude each other.");
    return problem(411, "length_required", "Bodies must be sent with a Content-Length.");
  }
  if (found == request.headers.end()) return std::nullopt;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.length);
  if (error != std::errc() || end != text.data() + text.size()) return bad_request("The Content-Length is no number.");
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> head_length(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  return end == input.npos ? std::nullopt : std::optional(end + 4);
}

std::variant<Head, Response> parse_head(std::string_view text) {
  Head head;
  Request& request = head.request;
  std::size_t at = std::min(text.find("\r\n"), text.size());
  if (auto refused = read_request_line(text.substr(0, at), head)) return *refused;
  at += 2;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find("\r\n", at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 2;
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) return bad_request("A header line cannot be understood.");
    const std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }))
      return bad_request("A header holds control characters.");
    const auto [place, is_new] = request.headers.emplace(name, value);
    if (is_new) continue;
    if (name == "content-length" || name == "host") {
      if (place->second != value) return bad_request("A header that may come once comes twice.");
    } else {
      place->second.append(name == "cookie" ? "; " : ", ").append(value);
    }
  }
  if (auto refused = read_length(request, head)) return *refused;
  if (const auto cookie = request.headers.find("cookie"); cookie != request.headers.end()) request.cookies = parse_cookies(cookie->second);
  const std::string connection = lower_case(request.header("connection"));
  if (connection.find("close") != std::string::npos) head.keep_alive = false;
  if (connection.find("keep-alive") != std::string::npos) head.keep_alive = true;
  head.expects_continue = lower_case(request.header("expect")) == "100-continue";
  return head;
}

}  // namespace webwrap::http
