#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Kind = PlatformError::Kind;

const char soundcloud_name[] = "SoundCloud";

/// https://developers.soundcloud.com/docs/api/guide: OAuth 2.1 with PKCE, refresh tokens for one use, POST /tracks. An upload is one
/// request, which cannot be continued: one that was cut off is made anew, unless the track is there.
class SoundCloud : public Connector {
 public:
  explicit SoundCloud(const Config& config) : config_(config) {}
  std::string id() const override { return "soundcloud"; }
  std::string title() const override { return soundcloud_name; }
  bool configured() const override {
    return !config_.soundcloud_client_id.empty() && !config_.soundcloud_client_secret.empty() && !config_.token_keys.empty();
  }

  std::string authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const override {
    return config_.soundcloud_auth_base + "/authorize?" +
           form_encoded({{"client_id", config_.soundcloud_client_id},
                         {"redirect_uri", redirect},
                         {"response_type", "code"},
                         {"code_challenge", challenge},
                         {"code_challenge_method", "S256"},
                         {"state", state}});
  }

  PlatformTokens exchange(const std::string& code, const std::string& verifier, const std::string& redirect, Seconds now) const override {
    return ask_for_tokens({{"grant_type", "authorization_code"}, {"redirect_uri", redirect}, {"code_verifier", verifier}, {"code", code}},
                          {}, now);
  }
  PlatformTokens refresh(const PlatformTokens& tokens, Seconds now) const override {
    return ask_for_tokens({{"grant_type", "refresh_token"}, {"refresh_token", tokens.refresh}}, tokens, now);
  }

  std::string account_name(PlatformTokens& tokens) const override { return text_in(get(tokens, "/me"), "username"); }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    const std::string tag = "voxconv:publication=" + post.mark;
    if (state.value("sent", false))
      if (auto there = find(tokens, tag)) return *there;
    hooks.keep({{"sent", true}});  // from here on it may have arrived, whatever becomes of the answer
    HttpCall call{.method = "POST", .url = config_.soundcloud_api_base + "/tracks", .headers = headers(tokens)};
    call.form = {{"track[title]", post.title, ""},
                 {"track[description]", post.description, ""},
                 {"track[sharing]", post.visibility == "public" ? "public" : "private", ""},
                 {"track[genre]", post.genre, ""},
                 {"track[tag_list]", tag, ""},
                 {"track[asset_data]", "", post.file, post.type}};
    if (!post.cover.empty()) call.form.push_back({"track[artwork_data]", "", post.cover, "image/jpeg"});
    const HttpAnswer answer = send_http(call, [&](std::int64_t sent) {
      hooks.progress(post.size > 0 ? std::min(1.0, double(sent) / double(post.size)) : 0);
      return !hooks.stopped();
    });
    if (!answer.ok()) fail_with(answer, soundcloud_name);
    return posted(object_of(answer, soundcloud_name));
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer = send_http(
        {.method = "DELETE", .url = fmt::format("{}/tracks/{}", config_.soundcloud_api_base, remote_id), .headers = headers(tokens)});
    if (!answer.ok() && answer.status != 404) fail_with(answer, soundcloud_name);
  }

 private:
  std::vector<std::pair<std::string, std::string>> headers(const PlatformTokens& tokens) const {
    return {{"Authorization", "OAuth " + tokens.access}, {"Accept", "application/json; charset=utf-8"}};
  }

  PlatformTokens ask_for_tokens(std::vector<std::pair<std::string, std::string>> fields, const PlatformTokens& before, Seconds now) const {
    fields.insert(fields.end(), {{"client_id", config_.soundcloud_client_id}, {"client_secret", config_.soundcloud_client_secret}});
    return tokens_of(
        send_http({.method = "POST",
                   .url = config_.soundcloud_auth_base + "/oauth/token",
                   .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json; charset=utf-8"}},
                   .body = form_encoded(fields)}),
        soundcloud_name, before, now);
  }

  json get(const PlatformTokens& tokens, const std::string& path) const {
    const HttpAnswer answer = send_http({.url = config_.soundcloud_api_base + path, .headers = headers(tokens)});
    if (!answer.ok()) fail_with(answer, soundcloud_name);
    return object_of(answer, soundcloud_name);
  }

  static Posted posted(const json& track) {
    // Newer answers name tracks by urn ("soundcloud:tracks:1"), which is what addresses take.
    const std::string urn = text_in(track, "urn"), id = urn.empty() ? text_in(track, "id") : urn;
    if (id.empty()) throw PlatformError(Kind::passing, "SoundCloud took the song, but did not say where it is.");
    std::string note;
    if (text_in(track, "sharing") == "private") note = "It is private there: only who has its link hears it.";
    return {id, text_in(track, "permalink_url"), note};
  }

  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& tag) const {
    const json page = get(tokens, "/me/tracks?linked_partitioning=true&limit=50");  // the newest first
    const auto tracks = page.find("collection");
    if (tracks == page.end() || !tracks->is_array()) return std::nullopt;
    for (const json& track : *tracks)
      if (track.is_object() && text_in(track, "tag_list").find(tag) != std::string::npos) return posted(track);
    return std::nullopt;
  }

  const Config& config_;
};

}  // namespace

std::unique_ptr<Connector> make_soundcloud(const Config& config) { return std::make_unique<SoundCloud>(config); }

}  // namespace webwrap
