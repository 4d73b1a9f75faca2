#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Kind = PlatformError::Kind;

const char youtube_name[] = "YouTube";
constexpr int tries = 4;  ///< to continue an upload before the job waits

/// YouTube Data API v3: videos.insert by the resumable protocol. A session is begun and kept before any byte of the video is sent; what of
/// it arrived is asked for before more is sent, so that the same video never comes twice.
class YouTube : public Connector {
 public:
  explicit YouTube(const Config& config) : config_(config) {}
  std::string id() const override { return "youtube"; }
  std::string title() const override { return youtube_name; }
  bool takes_video() const override { return true; }
  bool configured() const override {
    return !config_.youtube_client_id.empty() && !config_.youtube_client_secret.empty() && !config_.token_keys.empty();
  }

  std::string authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const override {
    // access_type and prompt: else Google gives no refresh token the second time.
    return config_.youtube_auth_base + "/o/oauth2/v2/auth?" +
           form_encoded({{"client_id", config_.youtube_client_id},
                         {"redirect_uri", redirect},
                         {"response_type", "code"},
                         {"scope", "https://www.googleapis.com/auth/youtube.force-ssl"},
                         {"access_type", "offline"},
                         {"prompt", "consent"},
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

  std::string account_name(PlatformTokens& tokens) const override {
    const json items = list(tokens, "/youtube/v3/channels?part=snippet&mine=true");
    if (items.empty()) throw PlatformError(Kind::refused, "This Google account has no YouTube channel yet; make one first.");
    return text_in(items.front().value("snippet", json::object()), "title");
  }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    std::string session = state.value("session", "");
    if (session.empty()) {
      if (state.value("sent", false))
        if (auto there = find(tokens, post.mark)) return *there;
      session = begin(tokens, post);
      hooks.keep({{"session", session}, {"sent", true}});
    }
    for (int i = 0;; ++i) {
      HttpAnswer answer = ask_progress(tokens, session, post.size);
      if (answer.status == 308) {
        const std::int64_t offset = received(answer);
        answer = send(tokens, session, post, offset, hooks);
      }
      if (answer.ok()) return posted(object_of(answer, youtube_name));
      if (answer.status == 404 || answer.status == 410) {  // a session lasts about a day
        if (auto there = find(tokens, post.mark)) return *there;
        session = begin(tokens, post);
        hooks.keep({{"session", session}, {"sent", true}});
      } else if (answer.status != 0 && answer.status != 308 && answer.status < 500) {
        fail(answer);
      }
      if (hooks.stopped() || i == tries) throw PlatformError(Kind::passing, "YouTube does not answer now.");
      std::this_thread::sleep_for(std::chrono::milliseconds(500 << i));
    }
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer = send_http({.method = "DELETE",
                                         .url = config_.youtube_api_base + "/youtube/v3/videos?" + form_encoded({{"id", remote_id}}),
                                         .headers = headers(tokens)});
    if (!answer.ok() && answer.status != 404) fail(answer);
  }

 private:
  std::vector<std::pair<std::string, std::string>> headers(const PlatformTokens& tokens) const {
    return {{"Authorization", "Bearer " + tokens.access}};
  }

  PlatformTokens ask_for_tokens(std::vector<std::pair<std::string, std::string>> fields, const PlatformTokens& before, Seconds now) const {
    fields.insert(fields.end(), {{"client_id", config_.youtube_client_id}, {"client_secret", config_.youtube_client_secret}});
    return tokens_of(send_http({.method = "POST",
                                .url = config_.youtube_token_base + "/token",
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                                .body = form_encoded(fields)}),
                     youtube_name, before, now);
  }

  /// Google tells the reason in the body: that of a used-up quota needs another sentence.
  [[noreturn]] static void fail(const HttpAnswer& answer) {
    for (const char* reason : {"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "uploadLimitExceeded"})
      if (answer.status == 403 || answer.status == 400)
        if (answer.body.find(reason) != std::string::npos)
          throw PlatformError(Kind::refused, "YouTube takes no more uploads today (its quota is used up); try again tomorrow.");
    fail_with(answer, youtube_name);
  }

  json list(const PlatformTokens& tokens, const std::string& path) const {
    const HttpAnswer answer = send_http({.url = config_.youtube_api_base + path, .headers = headers(tokens)});
    if (!answer.ok()) fail(answer);
    const json object = object_of(answer, youtube_name);
    const auto items = object.find("items");
    return items != object.end() && items->is_array() ? *items : json::array();
  }

  std::string begin(const PlatformTokens& tokens, const Post& post) const {
    std::string title = post.title;
    std::erase_if(title, [](char c) { return c == '<' || c == '>'; });  // YouTube refuses them
    std::string description = post.description;
    std::erase_if(description, [](char c) { return c == '<' || c == '>'; });
    const json resource = {
        {"snippet", {{"title", title}, {"description", description}, {"tags", {mark_of(post.mark)}}, {"categoryId", "10"}}},
        {"status",
         {{"privacyStatus", post.visibility},
          {"selfDeclaredMadeForKids", false},
          {"containsSyntheticMedia", true}}}};  // YouTube's field for what AI made or changed
    auto with = headers(tokens);
    with.insert(with.end(), {{"Content-Type", "application/json; charset=UTF-8"},
                             {"X-Upload-Content-Length", std::to_string(post.size)},
                             {"X-Upload-Content-Type", post.type}});
    const HttpAnswer answer =
        send_http({.method = "POST",
                   .url = config_.youtube_api_base + "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
                   .headers = with,
                   .body = resource.dump(-1, ' ', false, json::error_handler_t::replace)});
    if (!answer.ok()) fail(answer);
    const auto location = answer.headers.find("location");
    if (location == answer.headers.end()) throw PlatformError(Kind::passing, "YouTube did not say where the video goes.");
    return own_address(location->second, config_.youtube_api_base, youtube_name);
  }

  HttpAnswer ask_progress(const PlatformTokens& tokens, const std::string& session, std::int64_t size) const {
    auto with = headers(tokens);
    with.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return send_http({.method = "PUT", .url = session, .headers = with});
  }

  /// How many bytes have arrived: "Range: bytes=0-99" says 100, none at all says none.
  static std::int64_t received(const HttpAnswer& answer) {
    const auto range = answer.headers.find("range");
    const std::size_t dash = range == answer.headers.end() ? std::string::npos : range->second.find('-');
    return dash == std::string::npos ? 0 : std::max<std::int64_t>(0, std::atoll(range->second.c_str() + dash + 1) + 1);
  }

  HttpAnswer send(const PlatformTokens& tokens, const std::string& session, const Post& post, std::int64_t offset,
                  const PostHooks& hooks) const {
    if (offset >= post.size) throw PlatformError(Kind::passing, "YouTube has the video and is looking at it.");
    auto with = headers(tokens);
    with.insert(with.end(),
                {{"Content-Type", post.type}, {"Content-Range", fmt::format("bytes {}-{}/{}", offset, post.size - 1, post.size)}});
    return send_http({.method = "PUT", .url = session, .headers = with, .file = post.file, .file_offset = offset}, [&](std::int64_t sent) {
      hooks.progress(double(offset + sent) / double(post.size));
      return !hooks.stopped();
    });
  }

  static std::string mark_of(const std::string& mark) { return "voxconv-" + mark; }

  static Posted posted(const json& video) {
    const std::string id = text_in(video, "id");
    if (id.empty()) throw PlatformError(Kind::passing, "YouTube took the video, but did not say where it is.");
    std::string note;
    if (text_in(video.value("status", json::object()), "privacyStatus") == "private")
      note = "It is private on YouTube. Videos of services that YouTube has not audited stay so; others can be made public there.";
    return {id, "https://youtu.be/" + id, note};
  }

  /// Among the newest of the channel, by our tag.
  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& mark) const {
    const json channels = list(tokens, "/youtube/v3/channels?part=contentDetails&mine=true");
    if (channels.empty()) return std::nullopt;
    const std::string uploads =
        text_in(channels.front().value("contentDetails", json::object()).value("relatedPlaylists", json::object()), "uploads");
    const json newest =
        list(tokens, "/youtube/v3/playlistItems?part=contentDetails&maxResults=50&" + form_encoded({{"playlistId", uploads}}));
    std::string ids;
    for (const json& item : newest) {
      if (!ids.empty()) ids += ',';
      ids += text_in(item.value("contentDetails", json::object()), "videoId");
    }
    if (ids.empty()) return std::nullopt;
    for (const json& video : list(tokens, "/youtube/v3/videos?part=snippet,status&" + form_encoded({{"id", ids}}))) {
      const json tags = video.value("snippet", json::object()).value("tags", json::array());
      if (std::find(tags.begin(), tags.end(), json(mark_of(mark))) != tags.end()) return posted(video);
    }
    return std::nullopt;
  }

  const Config& config_;
};

}  // namespace

std::unique_ptr<Connector> make_youtube(const Config& config) { return std::make_unique<YouTube>(config); }

}  // namespace webwrap
