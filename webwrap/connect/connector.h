#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/config.h"
#include "domain/clock.h"

namespace webwrap {

/// An account at a platform.
struct PlatformUser {
  std::string id;    ///< never changes
  std::string name;  ///< as its owner knows it
};

/// What a platform gave for a member's account there.
struct PlatformTokens {
  std::string access, refresh;
  Seconds expires = 0;  ///< of access; 0: not told
  std::string user;     ///< the id of the account there

  /// As they are kept: to be opened with one of the operator's keys, as this member's at this platform alone.
  std::string sealed(const std::vector<std::string>& keys, const std::string& account, const std::string& platform) const;
  static std::optional<PlatformTokens> unsealed(const std::vector<std::string>& keys, const std::string& account,
                                                const std::string& platform, const std::string& sealed);
};

/// Why a platform did not do what it was asked.
class PlatformError : public std::runtime_error {
 public:
  enum class Kind {
    unauthorized,  ///< the access token is not taken (any more): refresh it
    disconnected,  ///< the refresh token is not taken either: its owner must allow it anew
    refused,       ///< this will not succeed, however often it is tried: what(), for the member, says why
    passing        ///< no answer, or a fault on the other side: later
  };
  PlatformError(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// A song or video to be published.
struct Post {
  std::string mark;  ///< of this publication alone; goes with it, so that it can be found there again
  std::string title, description, genre;
  std::string visibility;  ///< "private", "unlisted", "public"
  std::string file, type;  ///< local path; audio/flac or video/mp4
  std::int64_t size = 0;
  std::string cover;  ///< local path of a JPEG; empty: none
  double seconds = 0;
};

struct Posted {
  std::string id, url;
  std::string note;  ///< a sentence of what its owner should know; may be empty
};

/// What connectors tell of their work, and are told.
struct PostHooks {
  /// Keeps what an upload needs to be continued after an interruption; durable when it returns. It comes back as `state` of the next try.
  /// With `sent` in it from before the post may be there until the platform said that it is not.
  std::function<void(const nlohmann::json& state)> keep;
  std::function<void(double share)> progress;
  std::function<bool()> stopped;  ///< then publish() throws PlatformError(passing) soon
};

/// A platform that songs can be published on. Thread-safe. All calls but those up to authorize_url() throw PlatformError.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual std::string id() const = 0;     ///< "soundcloud"
  virtual std::string title() const = 0;  ///< "SoundCloud"
  virtual bool takes_video() const { return false; }
  virtual bool configured() const = 0;  ///< the operator has registered the service there

  /// Where the member allows it (OAuth 2, PKCE).
  virtual std::string authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const = 0;
  virtual PlatformTokens exchange(const std::string& code, const std::string& verifier, const std::string& redirect, Seconds now) const = 0;
  virtual PlatformTokens refresh(const PlatformTokens&, Seconds now) const = 0;
  virtual PlatformUser user_of(const PlatformTokens& tokens) const = 0;  ///< whose tokens they are

  /// Publishes once, however often it is called with what `hooks.keep` got the last time: an interrupted upload is continued, one that
  /// arrived is found again.
  virtual Posted publish(const PlatformTokens&, const Post&, const nlohmann::json& state, const PostHooks& hooks) const = 0;
  virtual void take_down(const PlatformTokens&, const std::string& remote_id) const = 0;  ///< no error where it is gone already

  /// Refuses what is, or may be, at another account there than that of the tokens. These do not find it: it would count as gone, or be
  /// posted once more.
  void require_same(const PlatformUser& before, const PlatformTokens& now) const;
};

/// All of them, configured or not, in the order in which they are shown. Keep a reference to config.
std::vector<std::unique_ptr<Connector>> make_connectors(const Config& config);

std::unique_ptr<Connector> make_soundcloud(const Config& config);
std::unique_ptr<Connector> make_youtube(const Config& config);
std::unique_ptr<Connector> make_audius(const Config& config);

/// Platforms that take music from distributors only: the service keeps the link to the song there, and nothing else.
struct LinkedPlatform {
  const char* id;
  const char* title;
  std::vector<std::string> hosts;  ///< that its links begin with
};
const std::vector<LinkedPlatform>& linked_platforms();
/// Whether an address is that of the platform: https, one of its hosts, nothing before it.
bool is_link_to(const LinkedPlatform&, const std::string& url);

}  // namespace webwrap
