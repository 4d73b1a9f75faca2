#include <algorithm>

#include "connect/connector.h"

namespace webwrap {

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
