#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/json_body.h"
#include "api/pictures.h"
#include "api/shares.h"
#include "domain/id.h"
#include "store/job_end.h"
#include "store/records.h"
#include "voxconv/video.h"

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
          {"music", !song.music.empty()},
          {"gain_db", song.gain_db},
          {"recording", song.recording},
          {"created", song.created},
          {"share", share ? share_view(config, *share) : json()},
          {"picture", picture_view(transaction.releases().picture_of(song.id), "/songs/" + song.id)},
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
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Song& song : transaction.songs().list(account.id, max_songs)) list.push_back(view(transaction, context.config, song));
  });
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
  const std::string which = query_of(request, "which", "song");
  const bool is_cover = !song.music.empty();
  if (which == "song") return audio_response(is_cover ? song.cover_playable : song.converted_playable);
  if (which == "converted") return audio_response(song.converted_playable);
  if (which == "original") return audio_response(song.original_playable);
  if (which != "music") fail_field("which", "this is song, converted, original or music.");
  if (!is_cover) throw ServiceError(404, "no_music", "This song has no music beside its voice.");
  return audio_response(song.music_playable);
}

Response get_song_peaks(const Context& context, const Request& request) {
  Response response;
  response.body = find_song(context, request).peaks;
  return response;
}

constexpr int renders_per_hour = 120;
constexpr std::size_t max_renders_kept = 10;  // of a song: blend and level have many combinations, the disk has an end
constexpr int max_renders_checked = 50;
constexpr int videos_per_hour = 20;
constexpr std::size_t max_videos_kept = 4;
constexpr double shortest_video_s = 5, longest_video_s = 60;
constexpr std::array formats{"mp3", "wav", "flac"};
constexpr std::array shapes{"vertical", "square"};
constexpr std::array part_names{"all", "vocals", "music"};

json render_view(const Job& job) { return quick_job_view(job, fmt::format("/renders/{}/file", job.id)); }

Job find_render(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  std::optional<Job> job;
  context.store.read([&](Transaction& transaction) { job = transaction.jobs().find(request.params.at("id")); });
  if (job && job->kind != Job::Kind::render && job->kind != Job::Kind::video) job.reset();
  return owned(std::move(job), account, "no_such_render", "There is no such render.");
}

/// Forgets the song's renders or videos past those kept, but for the shared one; their blobs, to be removed after the transaction. None of
/// them can be shared from then on.
std::vector<std::string> forget_old_renders(Transaction& transaction, const Song& song, Job::Kind kind, std::size_t kept) {
  const std::vector<Job> renders = transaction.jobs().renders(song.id, kind, max_renders_checked);
  const std::optional<Share> share = transaction.songs().share_of(song.id);
  std::vector<std::string> blobs;
  for (std::size_t i = kept - 1; i < renders.size(); ++i) {  // one more is to come
    if (share && share->render == renders[i].id) continue;
    const std::string blob = made_blob(renders[i]);
    if (blob.empty()) continue;
    blobs.push_back(blob);
    transaction.jobs().forget_result(renders[i].id);
  }
  return blobs;
}

/// What was asked for: of an earlier request, or a new job. `fill` gives the job what depends on the song as it is now.
Response answer_render(const Context& context, const Song& song, const Job& wanted, bool at_once, std::size_t kept,
                       const std::function<void(Transaction&, Job&)>& fill) {
  Job job;
  std::vector<std::string> old;
  do {
    context.store.write([&](Transaction& transaction) {
      job = wanted;
      fill(transaction, job);
      old.clear();
      if (reuse_or_add_quick_job(context, transaction, job, at_once)) old = forget_old_renders(transaction, song, job.kind, kept);
    });
  } while (is_lost(context, job));
  for (const std::string& blob : old) context.blobs.remove(blob);
  return json_response(201, render_view(job));
}

Response post_render(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  const Song song = require_song(context, account, request.params.at("id"));
  JsonBody body(request, {"format", "parts", "wet", "level_db", "music_db"});
  const std::string format = body.text("format", 1, 8);
  if (std::find(formats.begin(), formats.end(), format) == formats.end()) fail_field("format", "this is mp3, wav or flac.");
  const std::string parts = body.optional_text("parts", 1, 8).value_or("all");
  if (std::find(part_names.begin(), part_names.end(), parts) == part_names.end()) fail_field("parts", "this is all, vocals or music.");
  if (parts == "music" && song.music.empty()) fail_field("parts", "this song has no music beside its voice.");
  const MixLevels levels = body.mix_levels();
  // What cannot be heard in it does not count.
  const bool has_voice = parts != "music", has_music = parts != "vocals" && !song.music.empty();
  const double wet = has_voice ? levels.wet : 1, level_db = has_voice ? levels.level_db : 0, music_db = has_music ? levels.music_db : 0;
  limit_rate(context, "render", account.id, renders_per_hour, 3600);

  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::render;
  job.song = song.id;
  job.created = context.clock.now();
  job.parameters = json{{"format", format}, {"parts", parts}, {"wet", wet}, {"level_db", level_db}, {"music_db", music_db}}.dump();
  job.request_key = fmt::format("render:{}:{}:{}:{:g}:{:g}:{:g}", song.id, format, parts, wet, level_db, music_db);
  return answer_render(context, song, job, true, max_renders_kept, [](Transaction&, Job&) {});
}

/// A video of a part of the song, to be posted anywhere.
Response post_video(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  const Song song = require_song(context, account, request.params.at("id"));
  JsonBody body(request, {"shape", "start_s", "length_s", "wet", "level_db", "music_db"});
  const std::string shape = body.text("shape", 1, 16);
  if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) fail_field("shape", "this is vertical or square.");
  const double start_s = std::round(body.optional_number("start_s", 0, song.duration_s).value_or(0) * 10) / 10;
  const double wanted_s = body.optional_number("length_s", shortest_video_s, longest_video_s).value_or(30);
  const double length_s = std::round(std::min(wanted_s, song.duration_s - start_s) * 10) / 10;
  if (length_s < 1) fail_field("start_s", "from there on nothing is left of the song.");
  const MixLevels levels = body.mix_levels();
  if (voxconv::video_encoder().empty())
    throw ServiceError(501, "no_videos", "Videos cannot be made here: FFmpeg has no H.264 encoder on this machine.");
  limit_rate(context, "video", account.id, videos_per_hour, 3600);
  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::video;
  job.song = song.id;
  job.created = context.clock.now();
  job.parameters = json{{"shape", shape},    {"start_s", start_s},          {"length_s", length_s},
                        {"wet", levels.wet}, {"level_db", levels.level_db}, {"music_db", song.music.empty() ? 0 : levels.music_db}}
                       .dump();
  return answer_render(context, song, job, false, max_videos_kept, [&](Transaction& transaction, Job& video) {
    // Title and picture are in it, so a change of them makes another video.
    const auto picture = transaction.releases().picture_of(song.id);
    video.request_key = fmt::format("video:{}:{}", song.id, hash_secret(video.parameters + song.title + (picture ? picture->small : "")));
  });
}

Response get_render(const Context& context, const Request& request) {
  return json_response(200, render_view(find_render(context, request)));
}

Response get_render_file(const Context& context, const Request& request) {
  const Job job = find_render(context, request);
  if (job.state != Job::State::done) throw ServiceError(409, "not_ready", "This file is not made yet.");
  const std::string blob = made_blob(job);
  if (blob.empty() || context.blobs.size(blob) < 0)
    throw ServiceError(404, "no_such_render", "This file was removed; if its song is still there, make it again.");
  const json result = json::parse(job.result);
  return audio_response(blob, result.at("type"), result.at("file_name"));
}

}  // namespace

void add_song_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/songs", list_songs);
  add_route(router, context, Method::get, "/songs/{id}", get_song);
  add_route(router, context, Method::patch, "/songs/{id}", patch_song);
  add_route(router, context, Method::del, "/songs/{id}", delete_song);
  add_route(router, context, Method::get, "/songs/{id}/audio", get_song_audio);
  add_route(router, context, Method::get, "/songs/{id}/peaks", get_song_peaks);
  add_route(router, context, Method::post, "/songs/{id}/renders", post_render);
  add_route(router, context, Method::post, "/songs/{id}/videos", post_video);
  add_route(router, context, Method::get, "/renders/{id}", get_render);
  add_route(router, context, Method::get, "/renders/{id}/file", get_render_file);
}

}  // namespace webwrap
