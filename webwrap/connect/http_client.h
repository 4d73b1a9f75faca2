#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace webwrap {

using HttpFields = std::vector<std::pair<std::string, std::string>>;  ///< names and values

/// A request to another service.
struct HttpCall {
  struct Part {
    std::string name, value;           ///< of a multipart form; or
    std::string path = {}, type = {};  ///< a file as its value
  };
  std::string method = "GET";
  std::string url = {};
  HttpFields headers = {};
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
  bool refused() const { return status >= 400 && status < 500 && status != 408; }  ///< it was read, and nothing was done
};

/// Sends it once. Follows no redirects and speaks http and https only; an answer past 4 MiB counts as none. `progress`: bytes sent; false
/// stops.
HttpAnswer send_http(const HttpCall&, const std::function<bool(std::int64_t sent)>& progress = {});

/// name=value pairs of a form or of an address, escaped.
std::string form_encoded(const HttpFields& fields);

}  // namespace webwrap
