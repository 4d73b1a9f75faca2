#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace webwrap::http {

enum class Method { get, head, post, put, patch, del, options };

/// A request as handlers see it, of no HTTP library's making.
struct Request {
  Method method = Method::get;
  std::string path;                            ///< percent-decoded, starts with '/', no "." or ".." parts
  std::map<std::string, std::string> params;   ///< of the route's pattern: "/jobs/{id}" gives "id"
  std::map<std::string, std::string> query;    ///< decoded; the first of a name wins
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::map<std::string, std::string> cookies;
  std::string body;
  std::string client;  ///< the client's address: X-Forwarded-For's last only from a trusted proxy (config), else the peer's

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
};

}  // namespace webwrap::http
