#include "connect/oauth.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "log/log.h"

namespace webwrap {

using nlohmann::json;
using Kind = PlatformError::Kind;

// ---- allowing it ----

bool OAuthConnector::configured() const {
  return !config_.token_keys.empty() &&
         std::none_of(client_.credentials.begin(), client_.credentials.end(), [](const auto& field) { return field.second.empty(); });
}

std::string OAuthConnector::authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const {
  HttpFields fields = client_.authorize_fields;
  fields.insert(fields.end(), {{"redirect_uri", redirect},
                               {"response_type", "code"},
                               {"code_challenge", challenge},
                               {"code_challenge_method", "S256"},
                               {"state", state}});
  return client_.authorize_url + "?" + form_encoded(fields);
}

PlatformTokens OAuthConnector::exchange(const std::string& code, const std::string& verifier, const std::string& redirect,
                                        Seconds now) const {
  return ask_for_tokens({{"grant_type", "authorization_code"}, {"redirect_uri", redirect}, {"code_verifier", verifier}, {"code", code}}, {},
                        now);
}

PlatformTokens OAuthConnector::refresh(const PlatformTokens& tokens, Seconds now) const {
  return ask_for_tokens({{"grant_type", "refresh_token"}, {"refresh_token", tokens.refresh}}, tokens, now);
}

PlatformTokens OAuthConnector::ask_for_tokens(HttpFields fields, const PlatformTokens& before, Seconds now) const {
  fields.insert(fields.end(), client_.credentials.begin(), client_.credentials.end());
  const HttpAnswer answer = send_http(
      {.method = "POST",
       .url = client_.token_url,
       .headers = {{"Content-Type", client_.json_tokens ? "application/json" : "application/x-www-form-urlencoded"},
                   {"Accept", "application/json; charset=utf-8"}},
       .body = client_.json_tokens ? json(std::map<std::string, std::string>(fields.begin(), fields.end())).dump() : form_encoded(fields)});
  if (answer.status == 400 || answer.status == 401 || answer.status == 403)
    throw PlatformError(Kind::disconnected, fmt::format("{} does not accept the connection any more; connect it again.", title()));
  const json object = object_of(answer);
  PlatformTokens tokens = before;
  tokens.access = require_text(object, "access_token");
  // Some give another refresh token each time, some the first time only.
  if (const std::string refresh = text_in(object, "refresh_token"); !refresh.empty()) tokens.refresh = refresh;
  const auto lasts = object.find("expires_in");
  tokens.expires = lasts != object.end() && lasts->is_number() ? now + std::clamp<Seconds>(lasts->get<Seconds>(), 0, 10 * 365 * day) : 0;
  return tokens;
}

// ---- calls ----

HttpAnswer OAuthConnector::send(const PlatformTokens& tokens, HttpCall call, const Progress& progress) const {
  call.headers.insert(call.headers.end(),
                      {{"Authorization", client_.scheme + " " + tokens.access}, {"Accept", "application/json; charset=utf-8"}});
  return send_http(call, progress);
}

json OAuthConnector::ask(const PlatformTokens& tokens, HttpCall call) const { return object_of(send(tokens, std::move(call))); }

json OAuthConnector::post_once(const PlatformTokens& tokens, HttpCall call, json state, const PostHooks& hooks,
                               const Progress& progress) const {
  const bool before = state.value("sent", false);  // then the answer to an earlier try was lost, and that one may be there
  state["sent"] = true;
  hooks.keep(state);
  const HttpAnswer answer = send(tokens, std::move(call), progress);
  if (answer.refused() && !before) {
    state.erase("sent");
    hooks.keep(state);
  }
  return object_of(answer);
}

OAuthConnector::Progress OAuthConnector::telling(const PostHooks& hooks, std::int64_t there, std::int64_t size) {
  return [&hooks, there, size](std::int64_t sent) {
    // A form is a little longer than the file in it.
    hooks.progress(std::min(1.0, double(there + sent) / double(std::max<std::int64_t>(1, size))));
    return !hooks.stopped();
  };
}

// ---- answers ----

std::string text_in(const json& answer, const char* name) {
  const auto found = answer.find(name);
  if (found == answer.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

json object_in(const json& answer, const char* name) {
  const auto found = answer.find(name);
  return found != answer.end() && found->is_object() ? json(*found) : json::object();
}

json list_in(const json& answer, const char* name) {
  const auto found = answer.find(name);
  return found != answer.end() && found->is_array() ? json(*found) : json::array();
}

json OAuthConnector::object_of(const HttpAnswer& answer) const {
  if (!answer.ok()) fail(answer);
  json object = json::parse(answer.body, nullptr, false);
  if (!object.is_object()) fail_passing("the answer is no JSON object.");
  return object;
}

std::string OAuthConnector::require_text(const json& answer, const char* name) const {
  std::string text = text_in(answer, name);
  if (text.empty()) fail_passing(fmt::format("the answer has no \"{}\".", name));
  return text;
}

std::string OAuthConnector::own_address(const std::string& address, const std::string& base) const {
  const std::string origin = base.substr(0, base.find('/', base.find("//") + 2));
  const std::string whole = address.starts_with('/') && !address.starts_with("//") ? origin + address : address;
  if (!whole.starts_with(origin + "/")) throw PlatformError(Kind::refused, fmt::format("{} wants the upload sent elsewhere.", title()));
  return whole;
}

void OAuthConnector::fail(const HttpAnswer& answer) const {
  log(Level::warning, "platform failed", {{"platform", title()}, {"status", answer.status}});
  if (answer.status == 401) throw PlatformError(Kind::unauthorized, fmt::format("{} does not accept the connection any more.", title()));
  if (answer.status == 429)
    throw PlatformError(Kind::refused, fmt::format("{} takes no more from this service for now; try again tomorrow.", title()));
  if (answer.status == 403)
    throw PlatformError(Kind::refused, fmt::format("{} does not allow this to your account there; look there for the reason.", title()));
  if (answer.refused()) throw PlatformError(Kind::refused, fmt::format("{} refused it (status {}).", title(), answer.status));
  fail_passing(fmt::format("no answer that is of use (status {}).", answer.status));
}

void OAuthConnector::fail_passing(const std::string& why) const { throw PlatformError(Kind::passing, fmt::format("{}: {}", title(), why)); }

}  // namespace webwrap
