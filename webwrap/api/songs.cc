#include "api/audio_file.h"
#include "api/auth.h"
#include "api/deletion.h"
#include "api/json_body.h"
#include "api/json_views.h"
#include "api/owned.h"
#include "api/routes.h"
#include "api/share_view.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_songs = 500;

json view(Transaction& transaction, const Config& config, const Song& song) {
  const auto share = transaction.songs().share_of(song.id);
  return {{"id", song.id},
          {"title", song.title},
          {"voice", {{"id", song.voice}, {"title", song.voice_title}, {"version", song.voice_version}}},
          {"key", song.key},
          {"duration_s", song.duration_s},
          {"preview", song.preview},
          {"recording", song.recording},
          {"created", song.created},
          {"share", share ? share_view(config, *share) : json()},
          {"options", json::parse(song.options)}};
}

Song find_song(const Context& context, const Request& request) {
  return require_song(context, require_account(context, request), request.params.at("id"));
}

Response song_response(const Context& context, const Song& song) {
  json answer;
  context.store.read([&](Transaction& transaction) { answer = view(transaction, context.config, song); });
  return json_response(200, answer);
}

Response list_songs(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  json answer = json::array();
  context.store.read([&](Transaction& transaction) {
    for (const Song& song : transaction.songs().list(account.id, max_songs)) answer.push_back(view(transaction, context.config, song));
  });
  return json_response(200, answer);
}

Response get_song(const Context& context, const Request& request) { return song_response(context, find_song(context, request)); }

Response patch_song(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  Song song = require_song(context, account, request.params.at("id"));
  const std::string title = JsonBody(request, {"title"}).text("title", 1, 120);
  context.store.write([&](Transaction& transaction) {
    song = owned(transaction.songs().find(song.id), account, "no_such_song", "There is no such song.");
    song.title = title;
    transaction.songs().update(song);
  });
  return song_response(context, song);
}

Response delete_song(const Context& context, const Request& request) {
  const Song song = find_song(context, request);
  erase_with_blobs(context, "songs/" + song.id + "/", [&](Transaction& transaction) { transaction.songs().erase(song.id); });
  return empty_response();
}

Response get_song_audio(const Context& context, const Request& request) {
  const Song song = find_song(context, request);
  const auto which = request.query.find("which");
  if (which == request.query.end() || which->second == "converted") return audio_response(song.converted_playable);
  if (which->second == "original") return audio_response(song.original_playable);
  fail_field("which", "this is converted or original.");
}

Response get_song_peaks(const Context& context, const Request& request) {
  Response response;
  response.body = find_song(context, request).peaks;
  return response;
}

}  // namespace

void add_render_routes(http::Router&, Context&);

void add_song_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/songs", list_songs);
  add_route(router, context, Method::get, "/songs/{id}", get_song);
  add_route(router, context, Method::patch, "/songs/{id}", patch_song);
  add_route(router, context, Method::del, "/songs/{id}", delete_song);
  add_route(router, context, Method::get, "/songs/{id}/audio", get_song_audio);
  add_route(router, context, Method::get, "/songs/{id}/peaks", get_song_peaks);
  add_render_routes(router, context);
}

}  // namespace webwrap
