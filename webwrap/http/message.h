#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace webwrap::http {

enum class Method { get, head, post, put, patch, del, options, trace };

const char* name_of(Method method);  ///< "GET"
std::optional<Method> method_of(std::string_view name);

/// A request as handlers see it, of no HTTP library's making.
struct Request {
  Method method = Method::get;
  std::string path;                            ///< percent-decoded, starts with '/', no "." or ".." parts
  std::map<std::string, std::string> params;   ///< of the route's pattern: "/jobs/{id}" gives "id"
  std::map<std::string, std::string> query;    ///< decoded; the first of a name wins
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::map<std::string, std::string> cookies;
  std::string body;
  std::string body_file;  ///< a body too large for the memory lies in this file instead, until the answer is given
  std::string client;     ///< the client's address: X-Forwarded-For's last only from a trusted proxy (config), else the peer's

  std::string header(const std::string& lower_case_name) const;  ///< empty: none
};

/// A file to send: sliced by Range here, or by nginx with X-Accel-Redirect (config).
struct FileBody {
  std::string key;            ///< blob key
  std::string download_name;  ///< set: Content-Disposition: attachment
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<FileBody> file;

  const std::string* find_header(std::string_view name) const;  ///< in any case; null: not set
};

/// application/problem+json (RFC 9457). `code`: for programs; `detail`: one sentence for people.
Response problem(int status, const std::string& code, const std::string& detail);
const char* reason_of(int status);  ///< "Not Found"

/// Undoes percent-encoding. Nothing: a broken escape, or one of a control character.
std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space = false);
/// Encodes all but unreserved characters and '/'.
std::string encode_path(std::string_view text);
/// The decoded path of a request target without its query; nothing: it does not start with '/', or has "." or ".." parts, or broken
/// escapes.
std::optional<std::string> decode_path(std::string_view raw);
/// Pairs of name and value, the first of a name; nothing: broken escapes or control characters.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view raw);
/// A Cookie header: whatever is no name=value is left out.
std::map<std::string, std::string> parse_cookies(std::string_view raw);

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

/// What limits count a client's address by: the IPv4 address, also where it is written as an IPv6 one, or the /64 network of an IPv6
/// address, all of which one client may own. Anything else is given back as it is.
std::string network_of(const std::string& address);
/// The same with the /48 of an IPv6 address, which one line may own: 65,536 networks.
std::string site_of(const std::string& address);

}  // namespace webwrap::http
