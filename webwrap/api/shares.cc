#include "api/shares.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/share_access.h"
#include "domain/email.h"
#include "domain/id.h"
#include "http/response.h"
#include "log/log.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int reports_per_day = 10;  // of one address
constexpr int embed_width = 480, embed_height = 180;

/// A share that the public may see, with its song and what is heard of it.
struct PublicShare {
  Share share;
  Song song;
  std::string audio;  ///< blob key of an mp3
  json peaks;
};

std::optional<PublicShare> find_public_share(const Context& context, const Id& id) {
  std::optional<Share> share;
  std::optional<Song> song;
  std::optional<Job> render;
  context.store.read([&](Transaction& transaction) {
    share = transaction.songs().find_share(id);
    if (share) song = transaction.songs().find(share->song);
    if (share && !share->render.empty()) render = transaction.jobs().find(share->render);
  });
  if (!share || share->taken_down || !song) return std::nullopt;
  if (!render) {
    const bool is_cover = !song->music.empty();
    return PublicShare{*share, *song, is_cover ? song->cover_playable : song->converted_playable,
                       json::parse(song->peaks).at(is_cover ? "cover" : "converted")};
  }
  const json made = json::parse(render->result);
  return PublicShare{*share, *song, made.at("blob"), made.value("peaks", json::array())};
}

PublicShare require_shared(const Context& context, const Request& request) {
  if (auto shared = find_public_share(context, request.params.at("id"))) return std::move(*shared);
  throw ServiceError(404, "no_such_share", "There is no such shared song, or it is not shared any more.");
}

// ---- for the owner ----

[[noreturn]] void fail_taken_down() {
  throw ServiceError(403, "taken_down", "This song was taken down after a complaint and cannot be shared.");
}

/// Takes the render that listeners are to hear: a finished mp3 of the song.
void choose_render(const Context& context, Transaction& transaction, const Id& id, Share& share) {
  const auto render = transaction.jobs().find(id);
  const bool of_song = render && render->account == share.account && render->kind == Job::Kind::render && render->song == share.song;
  const json parameters = of_song ? json::parse(render->parameters) : json();
  if (!of_song || parameters.at("format") != "mp3" || parameters.value("parts", "all") != "all")
    fail_field("render", "there is no such mp3 of this song.");
  if (render->state != Job::State::done || context.blobs.size(json::parse(render->result).at("blob")) < 0)
    fail_field("render", "this file is not made yet, or was removed: make it again.");
  share.render = id;
  share.wet = parameters.at("wet");
  share.level_db = parameters.at("level_db");
  share.music_db = parameters.value("music_db", 0.0);
}

Response post_share(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Song song = require_song(context, account, request.params.at("id"));
  JsonBody body(request, {"allow_download", "render", "subscribers_only", "opens", "subscriber_download"});
  const bool allow_download = body.optional_flag("allow_download").value_or(false);
  const AccessChange access(body);
  const auto render = body.optional_text("render", 1, 64);
  Share share;
  context.store.write([&](Transaction& transaction) {
    if (!transaction.songs().find(song.id)) throw ServiceError(404, "no_such_song", "There is no such song.");
    if (const auto before = transaction.songs().share_of(song.id)) {
      share = *before;
      return;
    }
    share.id = new_id();
    share.song = song.id;
    share.account = account.id;
    share.allow_download = allow_download;
    share.created = context.clock.now();
    if (render) choose_render(context, transaction, *render, share);
    access.apply(transaction, share);
    transaction.songs().add_share(share);
  });
  if (share.taken_down) fail_taken_down();
  return json_response(201, share_view(context.config, share));
}

Share own_share(Transaction& transaction, const Account& account, const Request& request) {
  const Share share =
      owned(transaction.songs().find_share(request.params.at("id")), account, "no_such_share", "There is no such share of yours.");
  if (share.taken_down) fail_taken_down();
  return share;
}

Response patch_share(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  JsonBody body(request, {"allow_download", "render", "subscribers_only", "opens", "subscriber_download"});
  const AccessChange access(body);
  const auto allow_download = body.optional_flag("allow_download");
  const auto render = body.optional_text("render", 1, 64);
  Share share;
  context.store.write([&](Transaction& transaction) {
    share = own_share(transaction, account, request);
    if (allow_download) share.allow_download = *allow_download;
    if (render) choose_render(context, transaction, *render, share);
    access.apply(transaction, share);
    transaction.songs().update_share(share);
  });
  return json_response(200, share_view(context.config, share));
}

Response delete_share(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  context.store.write([&](Transaction& transaction) { transaction.songs().erase_share(own_share(transaction, account, request).id); });
  return empty_response();
}

// ---- for the public ----

Response get_share(const Context& context, const Request& request) {
  const auto [share, song, audio, peaks] = require_shared(context, request);
  const Hearing hearing = hearing_of(context, request, share);
  return json_response(200, {{"id", share.id},
                             {"title", song.title},
                             {"voice", {{"id", song.voice}, {"title", song.voice_title}}},
                             {"duration_s", song.duration_s},
                             {"allow_download", hearing.download},
                             {"locked", hearing.locked},
                             {"opens", or_null(share.subscribers_only ? share.opens : 0)},
                             {"ai_notice", ai_notice}});
}

Response get_shared_audio(const Context& context, const Request& request) {
  const PublicShare shared = require_shared(context, request);
  require_hearing(context, request, shared.share);
  return audio_response(shared.audio);
}

Response get_shared_peaks(const Context& context, const Request& request) {
  const PublicShare shared = require_shared(context, request);
  require_hearing(context, request, shared.share);
  return json_response(200, {{"peaks", shared.peaks}});
}

Response get_shared_file(const Context& context, const Request& request) {
  const auto [share, song, audio, peaks] = require_shared(context, request);
  require_hearing(context, request, share);
  if (!hearing_of(context, request, share).download)
    throw ServiceError(403, "no_download", "Whoever shared this song does not offer it for download.");
  return audio_response(audio, "audio/mpeg", song.title + ".mp3");
}

Response post_report(const Context& context, const Request& request) {
  const PublicShare shared = require_shared(context, request);
  JsonBody body(request, {"reason", "email"});
  Report report;
  report.id = new_id();
  report.share = shared.share.id;
  report.reason = body.long_text("reason", 3, 2000);
  if (const auto email = body.optional_text("email", 3, 254)) {
    report.email = normal_email(*email).value_or("");
    if (report.email.empty()) fail_field("email", "this is not an e-mail address.");
  }
  report.created = context.clock.now();
  limit_rate(context, "report", address_of(request), reports_per_day, day);
  context.store.write([&](Transaction& transaction) { transaction.songs().add_report(report); });
  log(Level::warning, "shared song reported", {{"share", report.share}, {"report", report.id}});
  return json_response(202, {{"id", report.id}});
}

int frame_size(const Request& request, const char* name, int usual) {
  const auto given = request.query.find(name);
  const int most = given == request.query.end() ? 0 : std::atoi(given->second.c_str());
  return most > 0 ? std::min(most, usual) : usual;
}

Response get_oembed(const Context& context, const Request& request) {
  const auto query = [&](const char* name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
  };
  const std::string prefix = context.config.base_url() + "/s/", url = query("url"), format = query("format");
  if (!format.empty() && format != "json") throw ServiceError(501, "format_not_supported", "oEmbed answers are made in JSON only.");
  // Links travel with things appended to them: "?utm_source=...", "#t=10", a slash.
  const std::string id = url.starts_with(prefix) ? url.substr(prefix.size(), url.find_first_of("?#/", prefix.size()) - prefix.size()) : "";
  const auto shared = id.empty() ? std::nullopt : find_public_share(context, id);
  if (!shared) throw ServiceError(404, "no_such_share", "The url is not that of a shared song.");
  const int width = frame_size(request, "maxwidth", embed_width), height = frame_size(request, "maxheight", embed_height);
  const std::string html =
      fmt::format("<iframe src=\"{}\" width=\"{}\" height=\"{}\" title=\"{}\" loading=\"lazy\" frameborder=\"0\"></iframe>",
                  escape_html(embed_url(context.config, shared->share)), width, height, escape_html(shared->song.title));
  return json_response(200, {{"version", "1.0"},
                             {"type", "rich"},
                             {"provider_name", "voxconv"},
                             {"provider_url", context.config.base_url()},
                             {"title", shared->song.title},
                             {"thumbnail_url", context.config.base_url() + "/assets/og.png"},
                             {"thumbnail_width", 1200},
                             {"thumbnail_height", 630},
                             {"width", width},
                             {"height", height},
                             {"html", html}});
}

Response page(const Context& context, const Request& request, bool embed) {
  Response response;
  response.type = "text/html; charset=utf-8";
  response.headers.emplace_back("Cache-Control", "private, no-cache");  // of some songs it depends on who asks
  if (embed) response.headers.emplace_back("Content-Security-Policy", http::content_security_policy("*"));
  const auto shared = find_public_share(context, request.params.at("id"));
  response.status = shared ? 200 : 404;
  response.body = shared ? share_html({context.config, shared->share, shared->song, hearing_of(context, request, shared->share)}, embed)
                         : missing_share_html();
  return response;
}

}  // namespace

std::string share_url(const Config& config, const Share& share) { return fmt::format("{}/s/{}", config.base_url(), share.id); }

json share_view(const Config& config, const Share& share) {
  if (share.taken_down) return nullptr;
  return {{"id", share.id},
          {"url", share_url(config, share)},
          {"allow_download", share.allow_download},
          {"wet", share.wet},
          {"level_db", share.level_db},
          {"music_db", share.music_db},
          {"created", share.created},
          {"subscribers_only", share.subscribers_only},
          {"opens", or_null(share.opens)},
          {"subscriber_download", share.subscriber_download}};
}

void add_share_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/songs/{id}/share", post_share);
  add_route(router, context, Method::get, "/shares/{id}", get_share);
  add_route(router, context, Method::patch, "/shares/{id}", patch_share);
  add_route(router, context, Method::del, "/shares/{id}", delete_share);
  add_route(router, context, Method::get, "/shares/{id}/audio", get_shared_audio);
  add_route(router, context, Method::get, "/shares/{id}/peaks", get_shared_peaks);
  add_route(router, context, Method::get, "/shares/{id}/file", get_shared_file);
  add_route(router, context, Method::post, "/shares/{id}/reports", post_report);
  add_route(router, context, Method::get, "/oembed", get_oembed);
  router.add(Method::get, "/s/{id}", [&context](const Request& request) { return page(context, request, false); });
  router.add(Method::get, "/embed/{id}", [&context](const Request& request) { return page(context, request, true); });
}

}  // namespace webwrap
