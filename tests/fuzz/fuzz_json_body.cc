// Whatever the body of a request holds, a handler reads fields that keep the limits it asked for, or the client gets a 4xx.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/json_body.h"
#include "domain/error.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  webwrap::http::Request request;
  request.headers["content-type"] = "application/json";
  request.body.assign(reinterpret_cast<const char*>(data), size);
  const auto attempt = [&](auto&& read) {
    try {
      webwrap::JsonBody body(request);
      read(body);
      body.finish();
    } catch (const webwrap::ServiceError& error) {
      require(error.status() >= 400 && error.status() < 500);
      // The sentence is sent as JSON, which takes UTF-8 only.
      static_cast<void>(nlohmann::json(error.what()).dump());
    }
  };
  attempt([](webwrap::JsonBody& body) {
    if (const auto text = body.optional_text("t", 1, 8)) {
      require(!text->empty() && text->size() <= 8 * 4);
      require(text->find_first_of("\r\n\t\x7f") == std::string::npos);
      static_cast<void>(nlohmann::json(*text).dump());
    }
    if (const auto number = body.optional_number("n", -2, 3)) require(std::isfinite(*number) && *number >= -2 && *number <= 3);
    static_cast<void>(body.optional_flag("f"));
    static_cast<void>(body.object("o").dump());
  });
  attempt([](webwrap::JsonBody& body) { require(body.secret("s", 5).size() <= 5 * 4); });
  attempt([](webwrap::JsonBody& body) { static_cast<void>(nlohmann::json(body.long_text("l", 0, 20)).dump()); });
  return 0;
}
