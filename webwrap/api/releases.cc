#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>

#include "api/handlers.h"
#include "api/json_body.h"
#include "api/pictures.h"
#include "api/quick_jobs.h"
#include "api/release_form.h"
#include "api/voices.h"
#include "domain/id.h"
#include "domain/release.h"
#include "store/job_end.h"
#include "store/voice_info.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_releases = 100, packages_per_hour = 20;

Release require_release(Transaction& transaction, const Account& account, const Request& request) {
  return owned(transaction.releases().find(request.params.at("id")), account, "no_such_release", "There is no such release.");
}

/// The songs of a release's form that are still there and its owner's.
std::map<Id, Song> songs_of(Transaction& transaction, const Release& release, const ReleaseForm& form) {
  std::map<Id, Song> songs;
  for (const TrackForm& track : form.tracks)
    if (const auto song = transaction.songs().find(track.song); song && song->account == release.account) songs.emplace(song->id, *song);
  return songs;
}

/// All that stands between a release and its package: in the form, the cover and the songs.
std::vector<FormProblem> all_problems(Transaction& transaction, const ReleaseForm& form, const std::optional<Picture>& cover,
                                      const std::map<Id, Song>& songs) {
  std::vector<FormProblem> problems = problems_of(form);
  if (!cover)
    problems.push_back({"picture", "choose a cover: a square picture of at least 3000 x 3000 pixels."});
  else if (std::min(cover->width, cover->height) < cover_side)
    problems.push_back({"picture", fmt::format("the cover has {} x {} pixels; shops want 3000 x 3000 or more, and a small one made larger "
                                               "looks poor.",
                                               cover->width, cover->height)});
  else if (std::abs(cover->width - cover->height) * 100 > cover->width)
    problems.push_back({"picture", fmt::format("the cover has {} x {} pixels; it must be a square.", cover->width, cover->height)});
  for (std::size_t i = 0; i < form.tracks.size(); ++i) {
    const std::string field = fmt::format("tracks[{}].song", i);
    const auto song = songs.find(form.tracks[i].song);
    if (song == songs.end())
      problems.push_back({field, "this song was deleted."});
    else if (song->second.preview)
      problems.push_back({field, "this is a preview; releases are made of whole songs."});
    else if (!voice_of_song(transaction, song->second, installed_voices()))
      problems.push_back({field, "its voice is no longer offered here, so nothing shows its consent."});
  }
  return problems;
}

json voice_facts(Transaction& transaction, const Song& song) {
  const auto voice = voice_of_song(transaction, song, installed_voices());
  return {{"id", song.voice},
          {"title", song.voice_title},
          {"licence", voice ? json(voice->licence) : json()},
          {"consent", voice ? json(voice->consent) : json()}};
}

/// How the last wish for a package stands, and the last one that was made, which can be had until the next is there.
json package_view(Transaction& transaction, const Release& release) {
  const auto wished = release.pending.empty() ? std::nullopt : transaction.jobs().find(release.pending);
  if (!wished) return nullptr;
  const auto made = release.package.empty() ? std::nullopt : transaction.jobs().find(release.package);
  json view = quick_job_view(*wished, "");
  if (made) view["url"] = fmt::format("/api/v1/releases/{}/package/file", release.id);
  view["loudness"] = made ? json::parse(made->result).at("loudness") : json::array();
  view["outdated"] = made && made->created < release.changed;
  return view;
}

json view(Transaction& transaction, const Release& release) {
  const ReleaseForm form = ReleaseForm::of(json::parse(release.form));
  const std::map<Id, Song> songs = songs_of(transaction, release, form);
  const auto cover = transaction.releases().picture_of(release.id);
  json facts = json::array(), problems = json::array();
  for (const TrackForm& track : form.tracks)
    if (const auto song = songs.find(track.song); song != songs.end())
      facts.push_back({{"id", song->first},
                       {"title", song->second.title},
                       {"duration_s", song->second.duration_s},
                       {"music", !song->second.music.empty()},
                       {"voice", voice_facts(transaction, song->second)}});
  for (const FormProblem& problem : all_problems(transaction, form, cover, songs))
    problems.push_back({{"field", problem.field}, {"detail", problem.what}});
  return {{"id", release.id},
          {"form", form.to_json()},
          {"songs", facts},
          {"picture", picture_view(cover, "/releases/" + release.id)},
          {"problems", problems},
          {"package", package_view(transaction, release)},
          {"created", release.created},
          {"changed", release.changed}};
}

Response answer(const Context& context, int status, const Release& release) {
  json body;
  context.store.read([&](Transaction& transaction) { body = view(transaction, release); });
  return json_response(status, body);
}

void require_own_songs(Transaction& transaction, const Account& account, const ReleaseForm& form) {
  for (std::size_t i = 0; i < form.tracks.size(); ++i) {
    const auto song = transaction.songs().find(form.tracks[i].song);
    if (!song || song->account != account.id) fail_field(fmt::format("tracks[{}].song", i), "there is no such song of yours.");
  }
}

/// A form with what is known of the songs; the rest is for their singer.
ReleaseForm first_form(Transaction& transaction, const Account& account, const std::vector<std::string>& songs, Seconds now) {
  ReleaseForm form;
  std::tm date = {};
  const std::time_t time = now;
  gmtime_r(&time, &date);
  form.year = date.tm_year + 1900;
  if (!account.name.empty()) form.artists = {{account.name, "main"}};
  form.p_owner = form.c_owner = account.name;
  for (std::size_t i = 0; i < songs.size(); ++i) {
    const auto song = transaction.songs().find(songs[i]);
    if (!song || song->account != account.id) fail_field(fmt::format("songs[{}]", i), "there is no such song of yours.");
    TrackForm& track = form.tracks.emplace_back();
    track.song = song->id;
    track.title = song->title;
    if (const auto share = transaction.songs().share_of(song->id)) {  // as it was mixed for others
      track.wet = share->wet;
      track.level_db = share->level_db;
      track.music_db = share->music_db;
    }
  }
  form.title = form.tracks.front().title;
  return form;
}

Response post_release(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  JsonBody body(request, {"songs"});
  const std::vector<std::string> songs = body.texts("songs", 1, max_release_tracks, 64);
  for (std::size_t i = 0; i < songs.size(); ++i)
    if (std::find(songs.begin(), songs.begin() + std::ptrdiff_t(i), songs[i]) != songs.begin() + std::ptrdiff_t(i))
      fail_field("songs", "a song is in a release only once.");
  Release release;
  release.id = new_id();
  release.account = account.id;
  release.created = release.changed = context.clock.now();
  context.store.write([&](Transaction& transaction) {
    if (transaction.releases().list(account.id, max_releases).size() >= std::size_t(max_releases))
      throw ServiceError(409, "too_many_releases", fmt::format("You have {} releases here; delete one first.", max_releases));
    release.form = first_form(transaction, account, songs, release.created).to_json().dump();
    transaction.releases().add(release);
  });
  return answer(context, 201, release);
}

Response list_releases(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Release& release : transaction.releases().list(account.id, max_releases)) list.push_back(view(transaction, release));
  });
}

Response get_release(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json body;
  context.store.read([&](Transaction& transaction) { body = view(transaction, require_release(transaction, account, request)); });
  return json_response(200, body);
}

Response put_release(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  context.store.read([&](Transaction& transaction) { require_release(transaction, account, request); });
  JsonBody body(request);
  const ReleaseForm form = read_release_form(body);
  Release release;
  context.store.write([&](Transaction& transaction) {
    release = require_release(transaction, account, request);
    require_own_songs(transaction, account, form);
    const std::string text = form.to_json().dump();
    if (release.form != text) release.changed = context.clock.now();
    release.form = text;
    transaction.releases().update(release);
  });
  return answer(context, 200, release);
}

Response delete_release(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Id id = request.params.at("id");
  context.store.read([&](Transaction& transaction) { require_release(transaction, account, request); });
  erase_with_blobs(context, "releases/" + id + "/", [&](Transaction& transaction) { transaction.releases().erase(id); });
  return empty_response();
}

Response post_package(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  limit_rate(context, "package", account.id, packages_per_hour, 3600);
  Job job;
  std::string path;
  const auto order = [&](Transaction& transaction) {
    Release release = require_release(transaction, account, request);
    const ReleaseForm form = ReleaseForm::of(json::parse(release.form));
    const auto cover = transaction.releases().picture_of(release.id);
    const auto songs = songs_of(transaction, release, form);
    if (const auto problems = all_problems(transaction, form, cover, songs); !problems.empty())
      throw ServiceError(409, "incomplete",
                         fmt::format("Not everything is there yet: {}: {}", problems.front().field, problems.front().what));
    job = Job();
    job.id = new_id();
    job.account = account.id;
    job.kind = Job::Kind::package;
    job.created = context.clock.now();
    double seconds = 0;
    for (const auto& [id, song] : songs) seconds += song.duration_s;
    job.parameters =
        json{{"release", release.id}, {"seconds", seconds}, {"form", json::parse(release.form)}, {"cover", cover->blob}}.dump();
    job.request_key = fmt::format("package:{}:{}", release.id, hash_secret(release.form + cover->blob));
    reuse_or_add_quick_job(context, transaction, job, false);
    release.pending = job.id;
    transaction.releases().update(release);
    path = fmt::format("/releases/{}/package/file", release.id);
  };
  do context.store.write(order);
  while (is_lost(context, job));
  return json_response(201, quick_job_view(job, path));
}

Response get_package_file(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  std::optional<Job> job;
  context.store.read([&](Transaction& transaction) {
    const Release release = require_release(transaction, account, request);
    if (!release.package.empty()) job = transaction.jobs().find(release.package);
  });
  if (!job || job->state != Job::State::done) throw ServiceError(409, "not_ready", "This package is not made yet.");
  const std::string blob = made_blob(*job);
  if (blob.empty() || context.blobs.size(blob) < 0) throw ServiceError(404, "no_such_package", "This package was removed; make it again.");
  const json made = json::parse(job->result);
  return audio_response(blob, made.at("type"), made.at("file_name"));
}

}  // namespace

void add_release_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/releases", post_release);
  add_route(router, context, Method::get, "/releases", list_releases);
  add_route(router, context, Method::get, "/releases/{id}", get_release);
  add_route(router, context, Method::put, "/releases/{id}", put_release);
  add_route(router, context, Method::del, "/releases/{id}", delete_release);
  add_route(router, context, Method::post, "/releases/{id}/package", post_package);
  add_route(router, context, Method::get, "/releases/{id}/package/file", get_package_file);
}

}  // namespace webwrap
