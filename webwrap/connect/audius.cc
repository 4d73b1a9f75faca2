#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "connect/connector.h"
#include "connect/oauth.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Kind = PlatformError::Kind;

const char audius_name[] = "Audius";
constexpr std::chrono::seconds poll_every(2), poll_at_most(600);

/// Audius' REST API (docs.audius.org) as its own SDK uses it: OAuth 2 with PKCE, files to a storage node by tus, which resumes, then
/// POST /tracks.
class Audius : public Connector {
 public:
  explicit Audius(const Config& config) : config_(config) {}
  std::string id() const override { return "audius"; }
  std::string title() const override { return audius_name; }
  bool configured() const override { return !config_.audius_api_key.empty() && !config_.token_keys.empty(); }

  std::string authorize_url(const std::string& redirect, const std::string& state, const std::string& challenge) const override {
    return config_.audius_api_base + "/oauth/authorize?" +
           form_encoded({{"scope", "write"},
                         {"api_key", config_.audius_api_key},
                         {"redirect_uri", redirect},
                         {"response_type", "code"},
                         {"response_mode", "query"},
                         {"code_challenge", challenge},
                         {"code_challenge_method", "S256"},
                         {"display", "fullScreen"},
                         {"state", state}});
  }

  PlatformTokens exchange(const std::string& code, const std::string& verifier, const std::string& redirect, Seconds now) const override {
    return ask_for_tokens({{"grant_type", "authorization_code"}, {"code", code}, {"code_verifier", verifier}, {"redirect_uri", redirect}},
                          {}, now);
  }
  PlatformTokens refresh(const PlatformTokens& tokens, Seconds now) const override {
    return ask_for_tokens({{"grant_type", "refresh_token"}, {"refresh_token", tokens.refresh}}, tokens, now);
  }

  std::string account_name(PlatformTokens& tokens) const override {
    json me = ask({.url = config_.audius_api_base + "/oauth/me", .headers = headers(tokens)});
    if (me.contains("data") && me.at("data").is_object()) me = json(me.at("data"));
    tokens.user = text_in(me, "userId");
    if (tokens.user.empty()) throw PlatformError(Kind::passing, "Audius did not say whose account this is.");
    const std::string handle = text_in(me, "handle");
    return handle.empty() ? text_in(me, "name") : "@" + handle;
  }

  Posted publish(const PlatformTokens& tokens, const Post& post, const json& state, const PostHooks& hooks) const override {
    const std::string tag = "voxconv-" + post.mark;
    json kept = state.is_object() ? state : json::object();
    if (kept.value("sent", false))
      if (auto there = find(tokens, tag)) return *there;
    const json sound = upload(tokens, post.file, post.type, "audio", post.size, kept, "sound", hooks);
    const json track_cid = sound.value("results", json::object()).value("320", json());
    if (!track_cid.is_string()) throw PlatformError(Kind::refused, "Audius could not make a track of this song.");
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
      const json cover = upload(tokens, post.cover, "image/jpeg", "img_square", -1, kept, "cover", hooks);
      if (const std::string cid = text_in(cover, "orig_file_cid"); !cid.empty()) track["cover_art_sizes"] = cid;
    }
    kept["sent"] = true;
    hooks.keep(kept);
    auto with = headers(tokens);
    with.emplace_back("Content-Type", "application/json");
    json made = ask({.method = "POST",
                     .url = config_.audius_api_base + "/tracks?" + form_encoded({{"user_id", tokens.user}}),
                     .headers = with,
                     .body = track.dump(-1, ' ', false, json::error_handler_t::replace)});
    if (made.contains("data") && made.at("data").is_object()) made = json(made.at("data"));
    const std::string track_id = text_in(made, "track_id");
    if (track_id.empty()) throw PlatformError(Kind::passing, "Audius took the song, but did not say where it is.");
    return posted(tokens, track_id);
  }

  void take_down(const PlatformTokens& tokens, const std::string& remote_id) const override {
    const HttpAnswer answer =
        send_http({.method = "DELETE",
                   .url = fmt::format("{}/tracks/{}?{}", config_.audius_api_base, remote_id, form_encoded({{"user_id", tokens.user}})),
                   .headers = headers(tokens)});
    if (!answer.ok() && answer.status != 404) fail_with(answer, audius_name);
  }

 private:
  std::vector<std::pair<std::string, std::string>> headers(const PlatformTokens& tokens) const {
    return {{"Authorization", "Bearer " + tokens.access}};
  }

  static json ask(const HttpCall& call) {
    const HttpAnswer answer = send_http(call);
    if (!answer.ok()) fail_with(answer, audius_name);
    return object_of(answer, audius_name);
  }

  PlatformTokens ask_for_tokens(json fields, const PlatformTokens& before, Seconds now) const {
    fields["client_id"] = config_.audius_api_key;
    return tokens_of(send_http({.method = "POST",
                                .url = config_.audius_api_base + "/oauth/token",
                                .headers = {{"Content-Type", "application/json"}},
                                .body = fields.dump()}),
                     audius_name, before, now);
  }

  static std::string base64(const std::string& text) {
    std::string encoded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(encoded.data(), encoded.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    encoded.pop_back();
    return encoded;
  }

  /// Sends a file to the storage node, going on where an earlier try stopped, and waits until it has been worked up.
  json upload(const PlatformTokens& tokens, const std::string& file, const std::string& type, const std::string& kind, std::int64_t size,
              json& kept, const char* key, const PostHooks& hooks) const {
    if (size < 0) size = std::int64_t(std::filesystem::file_size(file));
    std::string address = kept.value(key, "");
    std::int64_t offset = address.empty() ? -1 : offset_of(address);
    if (offset < 0) {
      const HttpAnswer answer = send_http({.method = "POST",
                                           .url = config_.audius_storage_base + "/files/",
                                           .headers = {{"Tus-Resumable", "1.0.0"},
                                                       {"Upload-Length", std::to_string(size)},
                                                       {"Upload-Metadata", fmt::format("filename {},filetype {},template {},userId {}",
                                                                                       base64(kind == "audio" ? "song.flac" : "cover.jpg"),
                                                                                       base64(type), base64(kind), base64(tokens.user))}}});
      const auto location = answer.headers.find("location");
      if (!answer.ok() || location == answer.headers.end()) fail_with(answer, audius_name);
      address = own_address(location->second, config_.audius_storage_base, audius_name);
      kept[key] = address;
      hooks.keep(kept);
      offset = 0;
    }
    if (offset < size) {
      const HttpAnswer answer = send_http({.method = "PATCH",
                                           .url = address,
                                           .headers = {{"Tus-Resumable", "1.0.0"},
                                                       {"Upload-Offset", std::to_string(offset)},
                                                       {"Content-Type", "application/offset+octet-stream"}},
                                           .file = file,
                                           .file_offset = offset},
                                          [&](std::int64_t sent) {
                                            hooks.progress(double(offset + sent) / double(size));
                                            return !hooks.stopped();
                                          });
      if (!answer.ok()) fail_with(answer.status == 409 ? HttpAnswer() : answer, audius_name);  // a wrong offset is asked for anew
    }
    return wait_for(address.substr(address.find_last_of('/') + 1), hooks);
  }

  /// -1: the node has forgotten the upload.
  static std::int64_t offset_of(const std::string& address) {
    const HttpAnswer answer = send_http({.method = "HEAD", .url = address, .headers = {{"Tus-Resumable", "1.0.0"}}});
    if (answer.status == 404 || answer.status == 410) return -1;
    const auto offset = answer.headers.find("upload-offset");
    if (!answer.ok() || offset == answer.headers.end()) fail_with(answer.ok() ? HttpAnswer() : answer, audius_name);
    return std::max<std::int64_t>(0, std::atoll(offset->second.c_str()));
  }

  json wait_for(const std::string& upload_id, const PostHooks& hooks) const {
    for (const auto end = std::chrono::steady_clock::now() + poll_at_most; std::chrono::steady_clock::now() < end;) {
      const json now = ask({.url = fmt::format("{}/uploads/{}", config_.audius_storage_base, upload_id)});
      const std::string status = text_in(now, "status");
      if (status == "done") return now;
      if (status.starts_with("error")) throw PlatformError(Kind::refused, "Audius could not work the file up.");
      if (hooks.stopped()) break;
      std::this_thread::sleep_for(poll_every);
    }
    throw PlatformError(Kind::passing, "Audius is still working the file up.");
  }

  Posted posted(const PlatformTokens& tokens, const std::string& track_id) const {
    const json track =
        ask({.url = fmt::format("{}/tracks/{}?{}", config_.audius_api_base, track_id, form_encoded({{"user_id", tokens.user}})),
             .headers = headers(tokens)})
            .value("data", json::object());
    const std::string path = text_in(track, "permalink");
    return {track_id, path.starts_with('/') ? "https://audius.co" + path : "",
            track.value("is_unlisted", false) ? "It is not listed there: only who has its link finds it." : ""};
  }

  std::optional<Posted> find(const PlatformTokens& tokens, const std::string& tag) const {
    const json page =
        ask({.url = fmt::format("{}/users/{}/tracks?sort=date&limit=50&filter_tracks=all", config_.audius_api_base, tokens.user),
             .headers = headers(tokens)});
    const auto tracks = page.find("data");
    if (tracks == page.end() || !tracks->is_array()) return std::nullopt;
    for (const json& track : *tracks)
      if (track.is_object() && text_in(track, "tags").find(tag) != std::string::npos) return posted(tokens, text_in(track, "id"));
    return std::nullopt;
  }

  const Config& config_;
};

}  // namespace

std::unique_ptr<Connector> make_audius(const Config& config) { return std::make_unique<Audius>(config); }

}  // namespace webwrap
