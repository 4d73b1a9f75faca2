#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Kind = PlatformError::Kind;

constexpr int tries = 4;  ///< to continue an upload before the job waits

/// YouTube Data API v3: videos.insert by the resumable protocol. A session is begun and kept before any byte of the video is sent; what of
/// it arrived is asked for before more is sent, so that the same video never comes twice.
class YouTube : public OAuthConnector {
 public:
  explicit YouTube(const Config& config)
      : OAuthConnector(config, {.platform = "YouTube",
                                .credentials = {{"client_id", config.youtube_client_id}, {"client_secret", config.youtube_client_secret}},
                                .authorize_url = config.youtube_auth_base + "/o/oauth2/v2/auth",
                                // access_type and prompt: else Google gives no refresh token the second time.
                                .authorize_fields = {{"client_id", config.youtube_client_id},
                                                     {"scope", "https://www.googleapis.com/auth/youtube.force-ssl"},
                                                     {"access_type", "offline"},
                                                     {"prompt", "consent"}},
                                .token_url = config.youtube_token_base + "/token"}) {}
  std::string id() const override { return "youtube"; }
  bool takes_video() const override { return true; }

  PlatformUser user_of(const PlatformTokens& tokens) const override {
    const json channels = list(tokens, "/youtube/v3/channels?part=snippet&mine=true");
    if (channels.empty()) throw PlatformError(Kind::refused, "This Google account has no YouTube channel yet; make one first.");
    return {require_text(channels.front(), "id"), text_in(object_in(channels.front(), "snippet"), "title")};
  }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    std::string session = state.value("session", "");
    bool perhaps_there = state.value("sent", false);
    const auto begin_anew = [&] {
      session = begin(tokens, post);
      hooks.keep({{"session", session}, {"sent", true}});
    };
    if (session.empty()) {
      if (state.value("sent", false))
        if (const auto there = wait_for(config_.publication_search_s, hooks, [&] { return find(tokens, post.mark); })) return *there;
      begin_anew();
    }
    for (int i = 0;; ++i) {
      HttpAnswer answer = ask_progress(tokens, session, post.size);
      if (answer.status == 308) {  // bytes are missing: no video is there
        perhaps_there = false;
        answer = send_rest(tokens, session, post, received(answer), hooks);
        if (!answer.ok() && !answer.refused()) perhaps_there = true;
      }
      if (answer.ok()) return posted(object_of(answer));
      if (answer.status == 404 || answer.status == 410) {  // a session lasts about a day
        if (const auto there = wait_for(config_.publication_search_s, hooks, [&] { return find(tokens, post.mark); })) return *there;
        begin_anew();
      } else if (answer.refused()) {
        if (!perhaps_there && answer.status != 401) hooks.keep(json::object());  // after 401 it goes on with new access
        fail(answer);
      }
      if (hooks.stopped() || i == tries) fail_passing("the upload does not get on.");
      std::this_thread::sleep_for(std::chrono::milliseconds(500 << i));
    }
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer =
        send(tokens, {.method = "DELETE", .url = config_.youtube_api_base + "/youtube/v3/videos?" + form_encoded({{"id", remote_id}})});
    if (!answer.ok() && answer.status != 404) fail(answer);
  }

 private:
  /// Google tells the reason in the body: that of a used-up quota needs another sentence.
  [[noreturn]] void fail(const HttpAnswer& answer) const override {
    if (answer.status == 403 || answer.status == 400)
      for (const char* reason : {"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "uploadLimitExceeded"})
        if (answer.body.find(reason) != std::string::npos)
          throw PlatformError(Kind::refused, "YouTube takes no more uploads today (its quota is used up); try again tomorrow.");
    OAuthConnector::fail(answer);
  }

  json list(const PlatformTokens& tokens, const std::string& path) const {
    return list_in(ask(tokens, {.url = config_.youtube_api_base + path}), "items");
  }

  std::string begin(const PlatformTokens& tokens, const Post& post) const {
    const auto plain = [](std::string text) {
      std::erase_if(text, [](char c) { return c == '<' || c == '>'; });  // YouTube refuses them
      return text;
    };
    const json resource = {{"snippet",
                            {{"title", plain(post.title)},
                             {"description", plain(post.description)},
                             {"tags", {tag_of(post.mark)}},
                             {"categoryId", "10"}}},  // music
                           {"status",
                            {{"privacyStatus", post.visibility},
                             {"selfDeclaredMadeForKids", false},
                             {"containsSyntheticMedia", true}}}};  // YouTube's field for what AI made or changed
    const HttpAnswer answer =
        send(tokens, {.method = "POST",
                      .url = config_.youtube_api_base + "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
                      .headers = {{"Content-Type", "application/json; charset=UTF-8"},
                                  {"X-Upload-Content-Length", std::to_string(post.size)},
                                  {"X-Upload-Content-Type", post.type}},
                      .body = resource.dump(-1, ' ', false, json::error_handler_t::replace)});
    if (!answer.ok()) fail(answer);
    const auto location = answer.headers.find("location");
    if (location == answer.headers.end()) fail_passing("it did not say where the video goes.");
    return own_address(location->second, config_.youtube_api_base);
  }

  HttpAnswer ask_progress(const PlatformTokens& tokens, const std::string& session, std::int64_t size) const {
    return send(tokens, {.method = "PUT", .url = session, .headers = {{"Content-Range", fmt::format("bytes */{}", size)}}});
  }

  /// How many bytes have arrived: "Range: bytes=0-99" says 100, none at all says none.
  static std::int64_t received(const HttpAnswer& answer) {
    const auto range = answer.headers.find("range");
    const std::size_t dash = range == answer.headers.end() ? std::string::npos : range->second.find('-');
    return dash == std::string::npos ? 0 : std::max<std::int64_t>(0, std::atoll(range->second.c_str() + dash + 1) + 1);
  }

  HttpAnswer send_rest(const PlatformTokens& tokens, const std::string& session, const Post& post, std::int64_t offset,
                       const PostHooks& hooks) const {
    if (offset >= post.size) fail_passing("it has the whole video and is still looking at it.");
    return send(
        tokens,
        {.method = "PUT",
         .url = session,
         .headers = {{"Content-Type", post.type}, {"Content-Range", fmt::format("bytes {}-{}/{}", offset, post.size - 1, post.size)}},
         .file = post.file,
         .file_offset = offset},
        telling(hooks, offset, post.size));
  }

  static std::string tag_of(const std::string& mark) { return "voxconv-" + mark; }

  Posted posted(const json& video) const {
    const std::string id = require_text(video, "id");
    const bool is_private = text_in(object_in(video, "status"), "privacyStatus") == "private";
    return {id, "https://youtu.be/" + id,
            is_private
                ? "It is private on YouTube. Videos of services that YouTube has not audited stay so; others can be made public there."
                : ""};
  }

  /// Among the newest of the channel, by our tag.
  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& mark) const {
    const json channels = list(tokens, "/youtube/v3/channels?part=contentDetails&mine=true");
    if (channels.empty()) return std::nullopt;
    const std::string uploads = text_in(object_in(object_in(channels.front(), "contentDetails"), "relatedPlaylists"), "uploads");
    std::string ids;
    for (const json& item :
         list(tokens, "/youtube/v3/playlistItems?part=contentDetails&maxResults=50&" + form_encoded({{"playlistId", uploads}})))
      ids += text_in(object_in(item, "contentDetails"), "videoId") + ",";
    if (ids.empty()) return std::nullopt;
    ids.pop_back();  // the last comma
    for (const json& video : list(tokens, "/youtube/v3/videos?part=snippet,status&" + form_encoded({{"id", ids}}))) {
      const json tags = list_in(object_in(video, "snippet"), "tags");
      if (std::find(tags.begin(), tags.end(), json(tag_of(mark))) != tags.end()) return posted(video);
    }
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Connector> make_youtube(const Config& config) { return std::make_unique<YouTube>(config); }

}  // namespace webwrap
