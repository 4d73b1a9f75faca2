#include "connect/oauth.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/log.h"

namespace webwrap {

using nlohmann::json;
using Kind = PlatformError::Kind;

void fail_with(const HttpAnswer& answer, const std::string& platform) {
  log(Level::warning, "platform failed", {{"platform", platform}, {"status", answer.status}});
  if (answer.status == 401) throw PlatformError(Kind::unauthorized, fmt::format("{} does not accept the connection any more.", platform));
  if (answer.status == 429)
    throw PlatformError(Kind::refused, fmt::format("{} takes no more from this service for now; try again tomorrow.", platform));
  if (answer.status == 0 || answer.status == 408 || answer.status >= 500)
    throw PlatformError(Kind::passing, fmt::format("{} does not answer now.", platform));
  if (answer.status == 403)
    throw PlatformError(Kind::refused, fmt::format("{} does not allow this to your account there; look there for the reason.", platform));
  throw PlatformError(Kind::refused, fmt::format("{} refused it (status {}).", platform, answer.status));
}

json object_of(const HttpAnswer& answer, const std::string& platform) {
  json object = json::parse(answer.body, nullptr, false);
  if (!object.is_object()) throw PlatformError(Kind::passing, fmt::format("{} answered with what cannot be understood.", platform));
  return object;
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

PlatformTokens tokens_of(const HttpAnswer& answer, const std::string& platform, const PlatformTokens& before, Seconds now) {
  if (answer.status == 400 || answer.status == 401 || answer.status == 403)
    throw PlatformError(Kind::disconnected, fmt::format("{} does not accept the connection any more; connect it again.", platform));
  if (!answer.ok()) fail_with(answer, platform);
  const json object = object_of(answer, platform);
  PlatformTokens tokens = before;
  tokens.access = text_in(object, "access_token");
  if (const std::string refresh = text_in(object, "refresh_token"); !refresh.empty()) tokens.refresh = refresh;
  const auto lasts = object.find("expires_in");
  tokens.expires = lasts != object.end() && lasts->is_number() ? now + std::clamp<Seconds>(lasts->get<Seconds>(), 0, 10 * 365 * day) : 0;
  if (tokens.access.empty()) throw PlatformError(Kind::passing, fmt::format("{} gave no access.", platform));
  return tokens;
}

std::string own_address(const std::string& address, const std::string& base, const std::string& platform) {
  const std::size_t host_end = std::min(base.find('/', base.find("//") + 2), base.size());
  const std::string origin = base.substr(0, host_end);
  const std::string whole = address.starts_with('/') && !address.starts_with("//") ? origin + address : address;
  if (!whole.starts_with(origin + "/")) throw PlatformError(Kind::refused, fmt::format("{} wants the upload sent elsewhere.", platform));
  return whole;
}

}  // namespace webwrap
