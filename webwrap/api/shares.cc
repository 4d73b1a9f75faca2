#include "api/shares.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "api/artists.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/html.h"
#include "api/json_body.h"
#include "api/quick_jobs.h"
#include "api/reports.h"
#include "api/share_access.h"
#include "domain/id.h"
#include "http/response.h"
#include "store/job_end.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int publications_per_day = 20;
constexpr int embed_width = 480, embed_height = 180;

/// A share that the public may see, with its song and what is heard of it.
struct PublicShare {
  Share share;
  Song song;
  std::string audio;  ///< blob key of an mp3
  json peaks;
  std::optional<Artist> artist;  ///< of one that everyone may see
  std::int64_t plays = 0;
};

/// As the public sees it: nothing also for what was taken down, or is by an artist who is hidden.
std::optional<Share> find_open_share(Transaction& transaction, const Id& id) {
  const auto share = transaction.songs().find_share(id);
  if (!share || share->taken_down) return std::nullopt;
  const auto artist = transaction.artists().find(share->account);
  return artist && artist->hidden ? std::nullopt : share;
}

std::optional<PublicShare> find_public_share(const Context& context, const Id& id) {
  std::optional<Share> share;
  std::optional<Song> song;
  std::optional<Job> render;
  std::optional<Artist> artist;
  std::int64_t plays = 0;
  context.store.read([&](Transaction& transaction) {
    share = find_open_share(transaction, id);
    if (share) song = transaction.songs().find(share->song);
    if (share && !share->render.empty()) render = transaction.jobs().find(share->render);
    if (!song || share->visibility != Visibility::everyone) return;
    artist = transaction.artists().find(share->account);
    plays = transaction.plays().of_song(song->id);
  });
  if (!share || !song) return std::nullopt;
  if (!render) {
    const bool is_cover = !song->music.empty();
    return PublicShare{*share,
                       *song,
                       is_cover ? song->cover_playable : song->converted_playable,
                       json::parse(song->peaks).at(is_cover ? "cover" : "converted"),
                       artist,
                       plays};
  }
  const json made = json::parse(render->result);
  return PublicShare{*share, *song, made.at("blob"), made.value("peaks", json::array()), artist, plays};
}

PublicShare require_shared(const Context& context, const Request& request) {
  if (auto shared = find_public_share(context, request.params.at("id"))) return std::move(*shared);
  throw ServiceError(404, "no_such_share", "There is no such shared song, or it is not shared any more.");
}

// ---- for the owner ----

[[noreturn]] void fail_taken_down() {
  throw ServiceError(403, "taken_down", "This song was taken down after a complaint and cannot be shared.");
}

[[noreturn]] void fail_no_file() { fail_field("render", "this file is not made yet, or was removed: make it again."); }

/// Refuses a render whose file is gone from the disk. Before the transaction that shares it: others would wait for the disk.
void require_file(const Context& context, const Account& account, const Id& render) {
  std::optional<Job> job;
  context.store.read([&](Transaction& transaction) { job = transaction.jobs().find(render); });
  if (job && job->account == account.id && job->kind == Job::Kind::render && is_lost(context, *job)) fail_no_file();
}

/// Takes the render that listeners are to hear: a finished mp3 of the song.
void choose_render(Transaction& transaction, const Id& id, Share& share) {
  const auto render = transaction.jobs().find(id);
  const bool of_song = render && render->account == share.account && render->kind == Job::Kind::render && render->song == share.song;
  const json parameters = of_song ? json::parse(render->parameters) : json();
  if (!of_song || parameters.at("format") != "mp3" || parameters.value("parts", "all") != "all")
    fail_field("render", "there is no such mp3 of this song.");
  if (made_blob(*render).empty()) fail_no_file();
  share.render = id;
  share.wet = parameters.at("wet");
  share.level_db = parameters.at("level_db");
  share.music_db = parameters.value("music_db", 0.0);
}

std::optional<Visibility> read_visibility(JsonBody& body) {
  const auto given = body.optional_text("visibility", 1, 16);
  if (!given) return std::nullopt;
  for (const Visibility value : {Visibility::unlisted, Visibility::everyone})
    if (*given == name_of(value)) return value;
  fail_field("visibility", "this is unlisted or public.");
}

void set_visibility(const Context& context, Transaction& transaction, Share& share, Visibility visibility) {
  if (share.visibility == visibility) return;
  share.visibility = visibility;
  if (visibility == Visibility::unlisted) return;
  const Seconds now = context.clock.now();
  const auto artist = transaction.artists().find(share.account);
  if (!artist) throw ServiceError(409, "no_artist", "Everyone sees songs on their artist's page: make yours first.");
  if (artist->hidden)
    throw ServiceError(403, "artist_hidden", "Your artist's page was hidden after a complaint; nothing can be published on it.");
  if (!transaction.accounts().within_limit("publish", share.account, publications_per_day, day, now))
    throw ServiceError(429, "too_many_requests", fmt::format("{} songs may be published a day; try again tomorrow.", publications_per_day));
  auto song = transaction.songs().find(share.song);
  if (song && song->published == 0) {
    song->published = now;
    transaction.songs().update(*song);
  }
  // The song's first time counts, also by a share that is gone: nobody comes up as new again and again.
  share.published = song ? song->published : now;
  share.public_since = now;
}

Response post_share(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Song song = require_song(context, account, request.params.at("id"));
  JsonBody body(request, {"allow_download", "render", "visibility", "subscribers_only", "opens", "subscriber_download"});
  const bool allow_download = body.optional_flag("allow_download").value_or(false);
  const AccessChange access(body);
  const Visibility visibility = read_visibility(body).value_or(Visibility::unlisted);
  const auto render = body.optional_text("render", 1, 64);
  if (render) require_file(context, account, *render);
  Share share;
  context.store.write([&](Transaction& transaction) {
    if (!transaction.songs().find(song.id)) throw ServiceError(404, "no_such_song", "There is no such song.");
    if (const auto before = transaction.songs().share_of(song.id)) {
      share = *before;
      if (share.taken_down) return;
      access.apply(transaction, share);  // who asks for subscribers only is not to get a link for all
      transaction.songs().update_share(share);
      return;
    }
    share.id = new_id();
    share.song = song.id;
    share.account = account.id;
    share.allow_download = allow_download;
    share.created = context.clock.now();
    if (render) choose_render(transaction, *render, share);
    set_visibility(context, transaction, share, visibility);
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
  JsonBody body(request, {"allow_download", "render", "visibility", "subscribers_only", "opens", "subscriber_download"});
  const AccessChange access(body);
  const auto visibility = read_visibility(body);
  const auto allow_download = body.optional_flag("allow_download");
  const auto render = body.optional_text("render", 1, 64);
  if (render) require_file(context, account, *render);
  Share share;
  context.store.write([&](Transaction& transaction) {
    share = own_share(transaction, account, request);
    if (allow_download) share.allow_download = *allow_download;
    if (render) choose_render(transaction, *render, share);
    if (visibility) set_visibility(context, transaction, share, *visibility);
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
  const auto [share, song, audio, peaks, artist, plays] = require_shared(context, request);
  json by;
  if (artist) by = {{"handle", artist->handle}, {"name", artist->name}, {"url", artist_url(context.config, *artist)}};
  const Hearing hearing = hearing_of(context, request, share);
  return json_response(200, {{"id", share.id},
                             {"artist", by},
                             {"plays", artist ? json(plays) : json()},
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
  const auto [share, song, audio, peaks, artist, plays] = require_shared(context, request);
  require_hearing(context, request, share);
  if (!hearing_of(context, request, share).download)
    throw ServiceError(403, "no_download", "Whoever shared this song does not offer it for download.");
  return audio_response(audio, "audio/mpeg", song.title + ".mp3");
}

Response post_report(const Context& context, const Request& request) {
  Report about;
  const Share share = require_shared(context, request).share;
  about.share = share.id;
  about.song = share.song;
  about.artist = share.account;
  return take_report(context, request, about);
}

int frame_size(const Request& request, const char* name, int usual) {
  const int most = std::atoi(query_of(request, name).c_str());
  return most > 0 ? std::min(most, usual) : usual;
}

void add_thumbnail(const Config& config, const std::optional<Artist>& artist, json& answer) {
  const std::string picture = artist ? picture_url(config, *artist, true) : std::string();
  answer["thumbnail_url"] = picture.empty() ? config.base_url() + "/assets/og.png" : picture;
  answer["thumbnail_width"] = picture.empty() ? 1200 : 256;
  answer["thumbnail_height"] = picture.empty() ? 630 : 256;
}

/// An artist's page has no player: other sites show its name and picture.
Response artist_oembed(const Context& context, const std::string& handle) {
  const Artist artist = require_public_artist(context, handle);
  json answer = {{"version", "1.0"},
                 {"type", "link"},
                 {"provider_name", "voxconv"},
                 {"provider_url", context.config.base_url()},
                 {"title", artist.name},
                 {"author_name", artist.name},
                 {"author_url", artist_url(context.config, artist)}};
  add_thumbnail(context.config, artist, answer);
  return json_response(200, answer);
}

Response get_oembed(const Context& context, const Request& request) {
  const std::string base = context.config.base_url(), url = query_of(request, "url"), format = query_of(request, "format");
  if (!format.empty() && format != "json") throw ServiceError(501, "format_not_supported", "oEmbed answers are made in JSON only.");
  // Links travel with things appended to them: "?utm_source=...", "#t=10", a slash.
  const auto part_after = [&](const std::string& prefix) {
    return url.starts_with(prefix) ? url.substr(prefix.size(), url.find_first_of("?#/", prefix.size()) - prefix.size()) : std::string();
  };
  if (const std::string handle = part_after(base + "/a/"); !handle.empty()) return artist_oembed(context, handle);
  const std::string id = part_after(base + "/s/");
  const auto shared = id.empty() ? std::nullopt : find_public_share(context, id);
  if (!shared) throw ServiceError(404, "no_such_share", "The url is not that of a shared song or an artist.");
  const int width = frame_size(request, "maxwidth", embed_width), height = frame_size(request, "maxheight", embed_height);
  const std::string html =
      fmt::format("<iframe src=\"{}\" width=\"{}\" height=\"{}\" title=\"{}\" loading=\"lazy\" frameborder=\"0\"></iframe>",
                  escape_html(embed_url(context.config, shared->share)), width, height, escape_html(shared->song.title));
  json answer = {{"version", "1.0"},
                 {"type", "rich"},
                 {"provider_name", "voxconv"},
                 {"provider_url", base},
                 {"title", shared->song.title},
                 {"width", width},
                 {"height", height},
                 {"html", html}};
  if (shared->artist) answer.update({{"author_name", shared->artist->name}, {"author_url", artist_url(context.config, *shared->artist)}});
  add_thumbnail(context.config, shared->artist, answer);
  return json_response(200, answer);
}

Response page(const Context& context, const Request& request, bool embed) {
  Response response;
  response.type = "text/html; charset=utf-8";
  response.headers.emplace_back("Cache-Control", "private, no-cache");  // of some songs it depends on who asks
  if (embed) response.headers.emplace_back("Content-Security-Policy", http::content_security_policy("*"));
  const auto shared = find_public_share(context, request.params.at("id"));
  response.status = shared ? 200 : 404;
  response.body = shared ? share_html({context.config, shared->share, shared->song, shared->artist, shared->plays,
                                       hearing_of(context, request, shared->share)},
                                      embed)
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
          {"visibility", name_of(share.visibility)},
          {"created", share.created},
          {"subscribers_only", share.subscribers_only},
          {"opens", or_null(share.opens)},
          {"subscriber_download", share.subscriber_download}};
}

std::string shared_audio(Transaction& transaction, const Share& share, const Song& song) {
  const auto render = share.render.empty() ? std::nullopt : transaction.jobs().find(share.render);
  if (render) return json::parse(render->result).at("blob");
  return song.music.empty() ? song.converted_playable : song.cover_playable;
}

std::optional<Song> find_shared_song(const Context& context, const Id& id) {
  std::optional<Song> song;
  context.store.read([&](Transaction& transaction) {
    if (const auto share = find_open_share(transaction, id)) song = transaction.songs().find(share->song);
  });
  return song;
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
