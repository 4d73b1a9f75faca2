#include <fmt/format.h>

#include <optional>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// https://developers.soundcloud.com/docs/api/guide: OAuth 2.1 with PKCE, refresh tokens for one use, POST /tracks. An upload is one
/// request, which cannot be continued: one that was cut off is made anew, unless the track is there.
class SoundCloud : public OAuthConnector {
 public:
  explicit SoundCloud(const Config& config)
      : OAuthConnector(config,
                       {.platform = "SoundCloud",
                        .credentials = {{"client_id", config.soundcloud_client_id}, {"client_secret", config.soundcloud_client_secret}},
                        .authorize_url = config.soundcloud_auth_base + "/authorize",
                        .authorize_fields = {{"client_id", config.soundcloud_client_id}},
                        .token_url = config.soundcloud_auth_base + "/oauth/token",
                        .scheme = "OAuth"}) {}
  std::string id() const override { return "soundcloud"; }

  PlatformUser user_of(const PlatformTokens& tokens) const override {
    const json me = ask(tokens, {.url = config_.soundcloud_api_base + "/me"});
    return {id_of(me), text_in(me, "username")};
  }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    const std::string tag = "voxconv:publication=" + post.mark;
    if (state.value("sent", false))
      if (const auto there = wait_for(config_.publication_search_s, hooks, [&] { return find(tokens, tag); })) return *there;
    HttpCall call{.method = "POST", .url = config_.soundcloud_api_base + "/tracks"};
    call.form = {{"track[title]", post.title, ""},
                 {"track[description]", post.description, ""},
                 {"track[sharing]", post.visibility == "public" ? "public" : "private", ""},
                 {"track[genre]", post.genre, ""},
                 {"track[tag_list]", tag, ""},
                 {"track[asset_data]", "", post.file, post.type}};
    if (!post.cover.empty()) call.form.push_back({"track[artwork_data]", "", post.cover, "image/jpeg"});
    return posted(post_once(tokens, call, state, hooks, telling(hooks, 0, post.size)));
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer =
        send(tokens, {.method = "DELETE", .url = fmt::format("{}/tracks/{}", config_.soundcloud_api_base, remote_id)});
    if (!answer.ok() && answer.status != 404) fail(answer);
  }

 private:
  /// Newer answers name users and tracks by urn ("soundcloud:tracks:1"), which is what addresses take.
  std::string id_of(const json& object) const {
    const std::string urn = text_in(object, "urn");
    return urn.empty() ? require_text(object, "id") : urn;
  }

  Posted posted(const json& track) const {
    return {id_of(track), text_in(track, "permalink_url"),
            text_in(track, "sharing") == "private" ? "It is private there: only who has its link hears it." : ""};
  }

  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& tag) const {
    const json newest = ask(tokens, {.url = config_.soundcloud_api_base + "/me/tracks?linked_partitioning=true&limit=50"});
    for (const json& track : list_in(newest, "collection"))
      if (text_in(track, "tag_list").find(tag) != std::string::npos) return posted(track);
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Connector> make_soundcloud(const Config& config) { return std::make_unique<SoundCloud>(config); }

}  // namespace webwrap
