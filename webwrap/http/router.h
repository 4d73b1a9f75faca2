#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"

namespace webwrap::http {

using Handler = std::function<Response(const Request&)>;
/// Told of every answer: the route's method and pattern ("" where there was no route), the status, and how long it took.
using Observer = std::function<void(Method method, const std::string& pattern, int status, double seconds)>;

/// Finds the handler of a request. Filled before the server starts, then read by many threads.
class Router {
 public:
  static constexpr std::size_t usual_body = 64 * 1024;
  /// `pattern`: "/api/v1/jobs/{id}"; a last part "{path*}" takes the rest. HEAD is answered by the GET handler without its body unless it
  /// has a handler of its own. Where several patterns fit, the one with fixed text in the first place that differs is taken.
  void add(Method method, const std::string& pattern, Handler handler, std::size_t max_body = usual_body);
  /// Answers GET where there is no route and the client is a browser that wants a page; its status becomes 404. Else: problem+json.
  void add_missing_page(Handler handler) { missing_page_ = std::move(handler); }
  void observe(Observer observer) { observer_ = std::move(observer); }
  /// Calls the handler; 404 and 405 (with Allow) where there is none, 413 past max_body. ServiceError and any other exception become
  /// problem+json (the latter a 500 that tells nothing, logged with a request id). Adds the security headers.
  Response handle(Request& request) const;
  /// The body that the route of a request takes at most; nothing: there is no route.
  std::optional<std::size_t> max_body(Method method, const std::string& path) const;
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
  const Entry* find(Method method, const std::vector<std::string>& parts) const;
  static Response internal_error(const Request&, const Entry&, const char* why);
  Response dispatch(Request& request, const Entry* entry, const std::vector<std::string>& parts) const;

  std::vector<Entry> entries_;
  Handler missing_page_;
  Observer observer_;
};

}  // namespace webwrap::http
