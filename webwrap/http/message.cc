#include "http/message.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "domain/text.h"

namespace webwrap::http {
namespace {

constexpr std::array<std::pair<Method, const char*>, 8> method_names = {{{Method::get, "GET"},
                                                                         {Method::head, "HEAD"},
                                                                         {Method::post, "POST"},
                                                                         {Method::put, "PUT"},
                                                                         {Method::patch, "PATCH"},
                                                                         {Method::del, "DELETE"},
                                                                         {Method::options, "OPTIONS"},
                                                                         {Method::trace, "TRACE"}}};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Calls `use` with each part of `text` between separators.
template <class Use>
void for_each_part(std::string_view text, char separator, Use use) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    use(text.substr(at, end - at));
    at = end + 1;
  }
}

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
  if (std::any_of(target.begin(), target.end(), [](char c) { return c == ' ' || is_control(c); }))
    return bad_request("The address holds characters that must be escaped.");
  if (target.starts_with("http://") || target.starts_with("https://")) {  // as proxies write it
    const std::size_t end = std::min(target.find_first_of("/?#", target.find("//") + 2), target.size());
    if (end < target.size() && target[end] != '/') return bad_request("The address cannot be understood.");
    target = end == target.size() ? "/" : target.substr(end);
  }
  if (target == "*") target = "/";  // OPTIONS *
  const std::size_t question = std::min(target.find('?'), target.size());
  const auto path = decode_path(target.substr(0, question));
  if (!path) return bad_request("The address cannot be understood.");
  head.request.path = *path;
  const auto query = parse_query(question < target.size() ? target.substr(question + 1) : std::string_view());
  if (!query) return bad_request("The address's query cannot be understood: it has broken escapes or control characters.");
  head.request.query = *query;
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

const char* name_of(Method method) {
  return std::find_if(method_names.begin(), method_names.end(), [&](const auto& entry) { return entry.first == method; })->second;
}

std::optional<Method> method_of(std::string_view name) {
  for (const auto& [method, text] : method_names)
    if (name == text) return method;
  return std::nullopt;
}

std::string Request::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

const std::string* Response::find_header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() &&
        std::equal(key.begin(), key.end(), name.begin(), [](char a, char b) { return lower_case(a) == lower_case(b); }))
      return &value;
  return nullptr;
}

const char* reason_of(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return status < 400 ? "OK" : "Error";
  }
}

Response problem(int status, const std::string& code, const std::string& detail) {
  const nlohmann::ordered_json body = {{"status", status}, {"code", code}, {"title", reason_of(status)}, {"detail", detail}};
  Response response;
  response.status = status;
  response.type = "application/problem+json";
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus_is_space && c == '+') {
      c = ' ';
    }
    // Text of many lines may come in a query (a message), never in a path.
    if (is_control(c) && !(plus_is_space && (c == '\n' || c == '\r' || c == '\t'))) return std::nullopt;
    out += c;
  }
  return out;
}

std::string encode_path(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

std::optional<std::string> decode_path(std::string_view raw) {
  std::optional<std::string> path = decode_percent(raw);
  if (!path || path->empty() || path->front() != '/') return std::nullopt;
  bool good = true;
  for_each_part(*path, '/', [&](std::string_view part) { good = good && part != "." && part != ".."; });
  if (!good) return std::nullopt;
  return path;
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view raw) {
  std::map<std::string, std::string> query;
  bool good = true;
  for_each_part(raw, '&', [&](std::string_view pair) {
    if (pair.empty()) return;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_percent(pair.substr(0, equals), true);
    const auto value = decode_percent(equals < pair.size() ? pair.substr(equals + 1) : std::string_view(), true);
    good = good && name && value;
    if (good) query.emplace(*name, *value);
  });
  if (!good) return std::nullopt;
  return query;
}

std::map<std::string, std::string> parse_cookies(std::string_view raw) {
  std::map<std::string, std::string> cookies;
  for_each_part(raw, ';', [&](std::string_view pair) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos) return;
    const std::string_view name = trimmed(pair.substr(0, equals));
    std::string_view value = trimmed(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (!name.empty()) cookies.emplace(name, value);
  });
  return cookies;
}

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
    if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; }))
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
  if (connection.find("keep-alive") != std::string::npos) head.keep_alive = true;
  if (connection.find("close") != std::string::npos) head.keep_alive = false;
  head.expects_continue = lower_case(request.header("expect")) == "100-continue";
  return head;
}

namespace {

std::string with_prefix(const std::string& address, int bits) {
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  if (std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char b) { return b == 0; }) && bytes[10] == 0xff && bytes[11] == 0xff)
    return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);  // IPv4-mapped
  std::fill(bytes.begin() + bits / 8, bytes.end(), 0);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return fmt::format("{}/{}", text.data(), bits);
}

}  // namespace

std::string network_of(const std::string& address) { return with_prefix(address, 64); }

std::string site_of(const std::string& address) { return with_prefix(address, 48); }

}  // namespace webwrap::http
