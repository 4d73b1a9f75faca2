#pragma once
#include <functional>
#include <string>
#include <vector>

#include "http/message.h"

namespace webwrap::http {

using Handler = std::function<Response(const Request&)>;

/// Finds the handler of a request. Filled before the server starts, then read by many threads.
class Router {
 public:
  /// `pattern`: "/api/v1/jobs/{id}"; a last part "{path*}" takes the rest. HEAD is answered by the GET handler without its body unless it
  /// has a handler of its own.
  void add(Method method, const std::string& pattern, Handler handler, std::size_t max_body = 64 * 1024);
  /// Calls the handler; 404 and 405 (with Allow) where there is none, 413 past max_body. ServiceError and any other exception become
  /// problem+json (the latter a 500 that tells nothing, logged with a request id).
  Response handle(Request& request) const;
  /// Largest body any route takes.
  std::size_t max_body() const;
  struct Route {
    Method method;
    std::string pattern;
  };
  std::vector<Route> routes() const;  ///< for the test against the OpenAPI file

 private:
  struct Entry {
    Method method;
    std::string pattern;
    std::vector<std::string> parts;
    Handler handler;
    std::size_t max_body;
  };
  std::vector<Entry> entries_;
};

}  // namespace webwrap::http
