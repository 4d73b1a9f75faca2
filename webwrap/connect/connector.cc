#include "connect/connector.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/sealed.h"

namespace webwrap {
namespace {

using nlohmann::json;

std::string purpose_of(const std::string& account, const std::string& platform) { return "tokens:" + account + ":" + platform; }

}  // namespace

std::string PlatformTokens::sealed(const std::vector<std::string>& keys, const std::string& account, const std::string& platform) const {
  return seal(keys, purpose_of(account, platform),
              json{{"access", access}, {"refresh", refresh}, {"expires", expires}, {"user", user}}.dump());
}

std::optional<PlatformTokens> PlatformTokens::unsealed(const std::vector<std::string>& keys, const std::string& account,
                                                       const std::string& platform, const std::string& sealed) {
  const auto text = unseal(keys, purpose_of(account, platform), sealed);
  if (!text) return std::nullopt;
  const json tokens = json::parse(*text);
  return PlatformTokens{tokens.at("access"), tokens.at("refresh"), tokens.at("expires"), tokens.at("user")};
}

void Connector::require_same(const PlatformUser& before, const PlatformTokens& now) const {
  if (before.id.empty() || before.id == now.user) return;
  throw PlatformError(
      PlatformError::Kind::refused,
      fmt::format("This was sent from the {} account \"{}\", and another one is connected now: connect that one, then try again.", title(),
                  before.name));
}

std::vector<std::unique_ptr<Connector>> make_connectors(const Config& config) {
  std::vector<std::unique_ptr<Connector>> all;
  all.push_back(make_soundcloud(config));
  all.push_back(make_youtube(config));
  all.push_back(make_audius(config));
  return all;
}

const std::vector<LinkedPlatform>& linked_platforms() {
  static const std::vector<LinkedPlatform> all = {
      {"spotify", "Spotify", {"open.spotify.com"}},
      {"apple", "Apple Music", {"music.apple.com"}},
      {"amazon",
       "Amazon Music",
       {"music.amazon.com", "music.amazon.de", "music.amazon.co.uk", "music.amazon.fr", "music.amazon.it", "music.amazon.es",
        "music.amazon.co.jp", "music.amazon.com.br", "music.amazon.in", "music.amazon.com.mx", "music.amazon.ca", "music.amazon.com.au"}}};
  return all;
}

bool is_link_to(const LinkedPlatform& platform, const std::string& url) {
  if (url.find_first_of("\\@ \"'<>") != std::string::npos) return false;
  return std::any_of(platform.hosts.begin(), platform.hosts.end(),
                     [&](const std::string& host) { return url.starts_with("https://" + host + "/"); });
}

}  // namespace webwrap
