// Whatever a client sends as the head of a request is refused with a 4xx or 5xx, or becomes a request that keeps what handlers rely on; and
// the router answers it, whatever its path.
#include <sodium.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "http/router.h"

namespace {

using namespace webwrap::http;

void require(bool condition) {
  if (!condition) std::abort();
}

Router make_router() {
  require(sodium_init() >= 0);
  Router router;
  const auto echo = [](const Request& request) {
    Response response;
    for (const auto& [name, value] : request.params) response.body += name + value;
    return response;
  };
  router.add(Method::get, "/", echo);
  router.add(Method::get, "/api/v1/jobs/{id}", echo);
  router.add(Method::post, "/api/v1/jobs", echo, 1024);
  router.add(Method::del, "/api/v1/{kind}/{id}/parts/{part}", echo);
  router.add(Method::get, "/ui/{path*}", echo);
  return router;
}

bool is_upper_case(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Router router = make_router();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto length = head_length(input);
  if (!length) return 0;
  require(*length <= size);
  auto head = parse_head(input.substr(0, *length));
  if (const auto* refused = std::get_if<Response>(&head)) {
    require(refused->status >= 400 && refused->status < 600);
    return 0;
  }
  Request& request = std::get<Head>(head).request;
  require(request.path.starts_with('/'));
  // No handler may meet a path that leads out of a folder, or a second header line hidden in a value.
  require((request.path + "/").find("/../") == std::string::npos && (request.path + "/").find("/./") == std::string::npos);
  for (const auto& [name, value] : request.headers) {
    for (const char c : name) require(!is_upper_case(c) && c > ' ' && c != ':');
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  const Response response = router.handle(request);
  require(response.status >= 200 && response.status < 600);
  return 0;
}
