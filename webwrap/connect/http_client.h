#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace webwrap {

/// A request to another service.
struct HttpCall {
  struct Part {
    std::string name, value;           ///< of a multipart form; or
    std::string path = {}, type = {};  ///< a file as its value
  };
  std::string method = "GET";
  std::string url = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};  ///< or
  std::string file = {};  ///< its bytes from file_offset on; or
  std::int64_t file_offset = 0;
  std::vector<Part> form = {};  ///< multipart/form-data
  long timeout_s = 30;          ///< of requests without a file; those with one end where less than 1 kB/s goes for ten minutes
};

struct HttpAnswer {
  long status = 0;  ///< 0: none came
  std::string body;
  std::map<std::string, std::string> headers;  ///< names in lower case; the last of a name
  bool ok() const { return status >= 200 && status < 300; }
};

/// Sends it once. Follows no redirects and speaks http and https only; an answer past 4 MiB counts as none. `progress`: bytes sent; false
/// stops.
HttpAnswer send_http(const HttpCall&, const std::function<bool(std::int64_t sent)>& progress = {});

/// name=value pairs of a form or of an address, escaped.
std::string form_encoded(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace webwrap
