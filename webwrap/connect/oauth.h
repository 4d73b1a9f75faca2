#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "connect/connector.h"
#include "connect/http_client.h"

namespace webwrap {

/// This service's registration at a platform with OAuth 2 and PKCE.
struct OAuthClient {
  std::string platform;         ///< "SoundCloud"
  HttpFields credentials;       ///< client_id, and client_secret where there is one, as the token endpoint takes them
  std::string authorize_url;    ///< of the page where members allow it
  HttpFields authorize_fields;  ///< what that page takes beside the fields of PKCE
  std::string token_url;
  bool json_tokens = false;       ///< the token endpoint takes JSON instead of a form
  std::string scheme = "Bearer";  ///< of the header "Authorization"
};

// Fields of answers, of which nobody promised that they are there or of the kind that is expected.
std::string text_in(const nlohmann::json& answer, const char* name);       ///< a text, or a whole number as one; empty: neither
nlohmann::json object_in(const nlohmann::json& answer, const char* name);  ///< empty where it is none
nlohmann::json list_in(const nlohmann::json& answer, const char* name);    ///< empty where it is none

/// What connectors to platforms with OAuth 2 have in common.
class OAuthConnector : public Connector {
 public:
  std::string title() const override { return client_.platform; }
  bool configured() const override;
  std::string authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const override;
  PlatformTokens exchange(const std::string& code, const std::string& verifier, const std::string& redirect, Seconds now) const override;
  PlatformTokens refresh(const PlatformTokens&, Seconds now) const override;

 protected:
  using Progress = std::function<bool(std::int64_t sent)>;  ///< as send_http() takes it

  OAuthConnector(const Config& config, OAuthClient client) : config_(config), client_(std::move(client)) {}

  /// Sends it with the member's access.
  HttpAnswer send(const PlatformTokens&, HttpCall, const Progress& progress = {}) const;
  /// The same; the object that is the answer. PlatformError where there is none.
  nlohmann::json ask(const PlatformTokens&, HttpCall) const;

  /// Sends what puts a post there at once, and for good. `state` says `sent` from before that on, unless the platform answers that it did
  /// not take it, and no earlier try may have come there.
  nlohmann::json post_once(const PlatformTokens&, HttpCall, nlohmann::json state, const PostHooks&, const Progress& progress = {}) const;

  /// What look() finds, an optional, within so long a time. Asks again and again.
  template <class Look>
  auto wait_for(double at_most_s, const PostHooks& hooks, Look look) const {
    constexpr std::chrono::seconds pause(2);
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(at_most_s);
    for (;;) {
      auto found = look();
      if (found || std::chrono::steady_clock::now() >= end) return found;
      if (hooks.stopped()) fail_passing("the work was stopped.");
      std::this_thread::sleep_for(pause);
    }
  }

  /// Tells the hooks how far an upload is, of which so much was there before.
  static Progress telling(const PostHooks&, std::int64_t there, std::int64_t size);

  /// The object that a successful answer is; PlatformError where it is none.
  nlohmann::json object_of(const HttpAnswer&) const;
  /// text_in() of a field without which the answer is of no use.
  std::string require_text(const nlohmann::json& answer, const char* name) const;
  /// An address that an answer names, which must lie at the host of `base`: nobody sends our tokens and files elsewhere.
  std::string own_address(const std::string& address, const std::string& base) const;

  /// Throws the PlatformError that fits an answer which is no success.
  [[noreturn]] virtual void fail(const HttpAnswer&) const;
  [[noreturn]] void fail_passing(const std::string& why) const;

  const Config& config_;

 private:
  PlatformTokens ask_for_tokens(HttpFields fields, const PlatformTokens& before, Seconds now) const;

  const OAuthClient client_;
};

}  // namespace webwrap
