#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Kind = PlatformError::Kind;

constexpr double work_up_at_most_s = 600;  ///< a storage node with a file

/// Audius' REST API (docs.audius.org) as its own SDK uses it: OAuth 2 with PKCE, files to a storage node by tus, which resumes, then
/// POST /tracks.
class Audius : public OAuthConnector {
 public:
  explicit Audius(const Config& config)
      : OAuthConnector(config, {.platform = "Audius",
                                .credentials = {{"client_id", config.audius_api_key}},
                                .authorize_url = config.audius_api_base + "/oauth/authorize",
                                .authorize_fields = {{"api_key", config.audius_api_key},
                                                     {"scope", "write"},
                                                     {"response_mode", "query"},
                                                     {"display", "fullScreen"}},
                                .token_url = config.audius_api_base + "/oauth/token",
                                .json_tokens = true}) {}
  std::string id() const override { return "audius"; }

  PlatformUser user_of(const PlatformTokens& tokens) const override {
    const json me = data_of(ask(tokens, {.url = config_.audius_api_base + "/oauth/me"}));
    const std::string handle = text_in(me, "handle");
    return {require_text(me, "userId"), handle.empty() ? text_in(me, "name") : "@" + handle};
  }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    const std::string tag = "voxconv-" + post.mark;
    if (state.value("sent", false))
      if (const auto there = wait_for(config_.publication_search_s, hooks, [&] { return find(tokens, tag); })) return *there;
    json kept = state;
    const json sound = upload(tokens, {"sound", "audio", post.type, post.file, "song.flac"}, kept, hooks);
    const std::string track_cid = text_in(object_in(sound, "results"), "320");
    if (track_cid.empty()) throw PlatformError(Kind::refused, "Audius could not make a track of this song.");
    json track = {{"title", post.title},
                  {"description", post.description},
                  {"genre", post.genre},
                  {"tags", tag},
                  {"track_cid", track_cid},
                  {"orig_file_cid", text_in(sound, "orig_file_cid")},
                  {"orig_filename", "song.flac"},
                  {"duration", std::int64_t(post.seconds + 0.5)},
                  {"is_unlisted", post.visibility != "public"},
                  {"is_downloadable", false}};
    if (!post.cover.empty()) {
      const json cover = upload(tokens, {"cover", "img_square", "image/jpeg", post.cover, "cover.jpg"}, kept, hooks);
      if (const std::string cid = text_in(cover, "orig_file_cid"); !cid.empty()) track["cover_art_sizes"] = cid;
    }
    const json made = post_once(tokens,
                                {.method = "POST",
                                 .url = address("/tracks", tokens),
                                 .headers = {{"Content-Type", "application/json"}},
                                 .body = track.dump(-1, ' ', false, json::error_handler_t::replace)},
                                kept, hooks);
    return posted(tokens, require_text(data_of(made), "track_id"));
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer = send(tokens, {.method = "DELETE", .url = address("/tracks/" + remote_id, tokens)});
    if (!answer.ok() && answer.status != 404) fail(answer);
  }

 private:
  struct Upload {
    const char* key;   ///< under which its address at the node is kept
    const char* kind;  ///< as the node calls it
    std::string type, file;
    const char* name;
  };

  /// Of what is done for the member.
  std::string address(const std::string& path, const PlatformTokens& tokens) const {
    return config_.audius_api_base + path + "?" + form_encoded({{"user_id", tokens.user}});
  }

  /// Most answers have what they tell in "data".
  static json data_of(const json& answer) { return answer.contains("data") ? object_in(answer, "data") : answer; }

  static std::string base64(const std::string& text) {
    std::string encoded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(encoded.data(), encoded.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    encoded.pop_back();
    return encoded;
  }

  /// Sends a file to the storage node, going on where an earlier try stopped. What the node made of it.
  json upload(const PlatformTokens& tokens, const Upload& file, json& kept, const PostHooks& hooks) const {
    const auto size = std::int64_t(std::filesystem::file_size(file.file));
    std::string place = kept.value(file.key, "");
    std::int64_t offset = place.empty() ? -1 : offset_of(place);
    if (offset < 0) {
      place = begin(tokens, file, size);
      kept[file.key] = place;
      hooks.keep(kept);
      offset = 0;
    }
    if (offset < size) {
      const HttpAnswer answer = send_http({.method = "PATCH",
                                           .url = place,
                                           .headers = {{"Tus-Resumable", "1.0.0"},
                                                       {"Upload-Offset", std::to_string(offset)},
                                                       {"Content-Type", "application/offset+octet-stream"}},
                                           .file = file.file,
                                           .file_offset = offset},
                                          telling(hooks, offset, size));
      if (answer.status == 409) fail_passing("the storage node has another part of the file than it said.");
      if (!answer.ok()) fail(answer);
    }
    return worked_up(place.substr(place.find_last_of('/') + 1), hooks);
  }

  std::string begin(const PlatformTokens& tokens, const Upload& file, std::int64_t size) const {
    const std::string metadata = fmt::format("filename {},filetype {},template {},userId {}", base64(file.name), base64(file.type),
                                             base64(file.kind), base64(tokens.user));
    const HttpAnswer answer =
        send_http({.method = "POST",
                   .url = config_.audius_storage_base + "/files/",
                   .headers = {{"Tus-Resumable", "1.0.0"}, {"Upload-Length", std::to_string(size)}, {"Upload-Metadata", metadata}}});
    if (!answer.ok()) fail(answer);
    const auto location = answer.headers.find("location");
    if (location == answer.headers.end()) fail_passing("the storage node did not say where the file goes.");
    return own_address(location->second, config_.audius_storage_base);
  }

  /// -1: the node has forgotten the upload.
  std::int64_t offset_of(const std::string& place) const {
    const HttpAnswer answer = send_http({.method = "HEAD", .url = place, .headers = {{"Tus-Resumable", "1.0.0"}}});
    if (answer.status == 404 || answer.status == 410) return -1;
    if (!answer.ok()) fail(answer);
    const auto offset = answer.headers.find("upload-offset");
    if (offset == answer.headers.end()) fail_passing("the storage node did not say how much of the file it has.");
    return std::max<std::int64_t>(0, std::atoll(offset->second.c_str()));
  }

  json worked_up(const std::string& upload_id, const PostHooks& hooks) const {
    const auto done = wait_for(work_up_at_most_s, hooks, [&]() -> std::optional<json> {
      const json now = object_of(send_http({.url = fmt::format("{}/uploads/{}", config_.audius_storage_base, upload_id)}));
      const std::string status = text_in(now, "status");
      if (status.starts_with("error")) throw PlatformError(Kind::refused, "Audius could not work the file up.");
      if (status != "done") return std::nullopt;
      return now;
    });
    if (!done) fail_passing("the storage node is still working the file up.");
    return *done;
  }

  Posted posted(const PlatformTokens& tokens, const std::string& track_id) const {
    const json track = data_of(ask(tokens, {.url = address("/tracks/" + track_id, tokens)}));
    const std::string path = text_in(track, "permalink");
    return {track_id, path.starts_with('/') ? "https://audius.co" + path : "",
            track.contains("is_unlisted") && track["is_unlisted"] == true ? "It is not listed there: only who has its link finds it." : ""};
  }

  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& tag) const {
    const json newest =
        ask(tokens, {.url = fmt::format("{}/users/{}/tracks?sort=date&limit=50&filter_tracks=all", config_.audius_api_base, tokens.user)});
    for (const json& track : list_in(newest, "data"))
      if (text_in(track, "tags").find(tag) != std::string::npos) return posted(tokens, text_in(track, "id"));
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Connector> make_audius(const Config& config) { return std::make_unique<Audius>(config); }

}  // namespace webwrap
