#include "api/artists.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/reports.h"
#include "api/share_access.h"
#include "api/shares.h"
#include "domain/artist_name.h"
#include "domain/id.h"
#include "domain/limits.h"
#include "domain/text.h"
#include "http/message.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_bio = 1000, max_link_title = 40, max_link_url = 300;
constexpr int names_per_period = 5, max_public_songs = 100, max_stats_songs = 200, stats_days = 30;

// ---- the artist's own page ----

json own_view(Transaction& transaction, const Config& config, const Artist& artist) {
  json view = artist_view(transaction, config, artist);
  view["hidden"] = artist.hidden;
  view["has_songs"] = !transaction.artists().public_shares(artist.account, 1).empty();
  return view;
}

Response get_own(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) {
    if (const auto artist = transaction.artists().find(account.id)) answer = own_view(transaction, context.config, *artist);
  });
  return answer.is_null() ? empty_response() : json_response(200, answer);  // none yet: no error, the app asks for it
}

std::string read_handle(JsonBody& body) {
  const std::string handle = lower_case(body.text("handle", 1, 64));
  if (const std::string trouble = handle_problem(handle); !trouble.empty()) fail_field("handle", trouble);
  return handle;
}

std::string read_name(JsonBody& body) {
  const auto name = normal_artist_name(body.text("name", 1, 200));
  if (!name) fail_field("name", "it is not valid UTF-8.");
  if (const std::string trouble = artist_name_problem(*name); !trouble.empty()) fail_field("name", trouble);
  return *name;
}

std::string read_links(JsonBody& body) {
  json links = json::array();
  for (JsonBody& link : body.objects("links", max_artist_links)) {
    const std::string title = link.text("title", 1, max_link_title), url = link.text("url", 1, max_link_url);
    if (const std::string trouble = link_problem(url); !trouble.empty()) link.fail("url", trouble);
    link.finish();
    links.push_back({{"title", title}, {"url", url}});
  }
  return links.dump();
}

/// A change of the handle or name keeps the old one reserved, so there are few: nobody collects names.
void limit_names(const Context& context, Transaction& transaction, const Account& account) {
  if (!transaction.accounts().within_limit("artist_name", account.id, names_per_period, artist_name_kept, context.clock.now()))
    throw ServiceError(429, "too_many_requests",
                       fmt::format("Handle and name may be changed {} times in {} days: keep them for now, the rest can be changed.",
                                   names_per_period, artist_name_kept / day));
}

/// Makes the page, or changes it.
Response put_own(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  if (!account.email_verified)
    throw ServiceError(403, "email_not_verified", "Confirm your e-mail address first: open the link in the mail that we sent you.");
  JsonBody body(request, {"handle", "name", "bio", "links"});
  Artist wanted;
  wanted.account = account.id;
  wanted.handle = read_handle(body);
  wanted.name = read_name(body);
  wanted.bio = body.optional_long_text("bio", max_bio).value_or("");
  wanted.links = read_links(body);
  wanted.created = context.clock.now();
  json answer;
  bool made = false;
  context.store.write([&](Transaction& transaction) {
    const auto before = transaction.artists().find(account.id);
    made = !before;
    if (before) {
      wanted.picture = before->picture;
      wanted.thumbnail = before->thumbnail;
      wanted.files = before->files;
      wanted.hidden = before->hidden;
      wanted.created = before->created;
    }
    if (!before || before->handle != wanted.handle || before->name != wanted.name) limit_names(context, transaction, account);
    if (before)
      transaction.artists().update(wanted, context.clock.now());
    else
      transaction.artists().add(wanted, context.clock.now());
    answer = own_view(transaction, context.config, wanted);
  });
  return json_response(made ? 201 : 200, answer);
}

Response delete_own(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  erase_with_blobs(context, "artists/" + account.id + "/", [&](Transaction& transaction) {
    const auto artist = transaction.artists().find(account.id);
    if (!artist) fail_no_artist_page();
    // A new page would not be hidden.
    if (artist->hidden)
      throw ServiceError(403, "artist_hidden", "Your artist's page was hidden after a complaint and cannot be given up; the account can.");
    transaction.artists().erase(account.id, context.clock.now());
  });
  return empty_response();
}

std::string date_of(std::int64_t day_number) { return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(day_number * day))); }

/// What the artist sees of listeners: numbers, never who they are.
Response get_stats(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const std::int64_t today = context.clock.now() / day, since = today - stats_days + 1;
  json days = json::array(), songs = json::array(), answer;
  context.store.read([&](Transaction& transaction) {
    if (!transaction.artists().find(account.id)) fail_no_artist_page();
    const auto plays = transaction.plays().by_day(account.id, since);
    for (std::int64_t at = since; at <= today; ++at)
      days.push_back({{"day", date_of(at)}, {"plays", plays.contains(at) ? plays.at(at) : 0}});
    for (const Song& song : transaction.songs().list(account.id, max_stats_songs)) {
      const std::int64_t all = transaction.plays().of_song(song.id);
      if (all == 0 && !transaction.songs().share_of(song.id)) continue;
      songs.push_back(
          {{"id", song.id}, {"title", song.title}, {"plays", all}, {"plays_30_days", transaction.plays().of_song(song.id, since)}});
    }
    std::stable_sort(songs.begin(), songs.end(), [](const json& a, const json& b) { return a.at("plays") > b.at("plays"); });
    answer = {{"followers", transaction.follows().count(account.id)}, {"plays", transaction.plays().of_account(account.id)}};
  });
  answer["days"] = days;
  answer["songs"] = songs;
  return json_response(200, answer);
}

// ---- for everyone ----

Response get_artist(const Context& context, const Request& request) {
  json answer;
  context.store.read([&](Transaction& transaction) {
    const auto artist = find_public_artist(transaction, request.params.at("handle"), context.clock.now());
    if (!artist) throw ServiceError(404, "no_such_artist", "There is no such artist here.");
    answer = artist_view(transaction, context.config, *artist);
    answer["songs"] = json::array();
    for (const PublicSong& song : public_songs(transaction, transaction.artists().public_shares(artist->account, max_public_songs)))
      answer["songs"].push_back(public_song_view(context.config, song, context.clock.now()));
  });
  return json_response(200, answer);
}

Response post_artist_report(const Context& context, const Request& request) {
  const Artist artist = require_public_artist(context, request.params.at("handle"));
  Report about;
  about.artist = artist.account;
  return take_report(context, request, about);
}

Response get_picture(const Context& context, const Request& request, bool small) {
  const Artist artist = require_public_artist(context, request.params.at("handle"));
  const std::string& key = small ? artist.thumbnail : artist.picture;
  if (key.empty()) throw ServiceError(404, "no_picture", "This artist has no picture.");
  Response response = audio_response(key, "image/jpeg");
  response.headers = {{"Cache-Control", "public, max-age=300"}, {"Cross-Origin-Resource-Policy", "cross-origin"}};
  return response;
}

}  // namespace

void fail_no_artist_page() { throw ServiceError(404, "no_artist", "You have no artist's page yet: choose a handle and a name."); }

std::string artist_url(const Config& config, const Artist& artist) { return fmt::format("{}/a/{}", config.base_url(), artist.handle); }

std::string picture_url(const Config& config, const Artist& artist, bool small) {
  const std::string& key = small ? artist.thumbnail : artist.picture;
  if (key.empty()) return {};
  // Another address for another picture, so that nobody sees an old one for long.
  return fmt::format("{}/{}.jpg?v={}", artist_url(config, artist), small ? "small" : "picture", hash_secret(key).substr(0, 8));
}

json artist_view(Transaction& transaction, const Config& config, const Artist& artist) {
  return {{"handle", artist.handle},
          {"name", artist.name},
          {"bio", artist.bio},
          {"links", json::parse(artist.links)},
          {"picture", or_null(picture_url(config, artist))},
          {"thumbnail", or_null(picture_url(config, artist, true))},
          {"url", artist_url(config, artist)},
          {"feed", artist_url(config, artist) + "/feed.xml"},
          {"followers", transaction.follows().count(artist.account)},
          {"plays", transaction.plays().of_public_songs(artist.account)},
          {"created", artist.created}};
}

std::vector<PublicSong> public_songs(Transaction& transaction, const std::vector<Share>& shares) {
  std::vector<PublicSong> all;
  for (const Share& share : shares) {
    const auto song = transaction.songs().find(share.song);
    const auto artist = transaction.artists().find(share.account);
    if (song && artist) all.push_back({share, *song, *artist, transaction.plays().of_song(song->id)});
  }
  return all;
}

json public_song_view(const Config& config, const PublicSong& public_song, Seconds now) {
  const auto& [share, song, artist, plays] = public_song;
  return {{"id", share.id},
          {"url", share_url(config, share)},
          {"title", song.title},
          {"voice", {{"id", song.voice}, {"title", song.voice_title}}},
          {"duration_s", song.duration_s},
          {"plays", plays},
          {"published", share.published},
          {"for_subscribers", is_for_subscribers(share, now)},
          {"artist",
           {{"handle", artist.handle},
            {"name", artist.name},
            {"url", artist_url(config, artist)},
            {"thumbnail", or_null(picture_url(config, artist, true))}}}};
}

std::optional<Artist> find_public_artist(Transaction& transaction, const std::string& handle, Seconds now) {
  auto artist = transaction.artists().find_by_handle(handle);
  if (!artist) artist = transaction.artists().find_by_old_handle(handle, now);
  if (artist && artist->hidden) artist.reset();
  return artist;
}

Artist require_public_artist(const Context& context, const std::string& handle) {
  std::optional<Artist> artist;
  context.store.read([&](Transaction& transaction) { artist = find_public_artist(transaction, handle, context.clock.now()); });
  if (!artist) throw ServiceError(404, "no_such_artist", "There is no such artist here.");
  return *std::move(artist);
}

std::string link_problem(const std::string& url) {
  constexpr char expected[] = "an address begins with https:// or http:// and a host, as https://example.org/me does.";
  if (!std::all_of(url.begin(), url.end(),
                   [](char c) { return c > ' ' && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos; }))
    return "an address has ASCII characters only, others are written as %XX; no spaces, quotes, brackets or backslashes.";
  const std::string start = lower_case(url.substr(0, 8));
  const std::size_t scheme = start.starts_with("https://") ? 8 : start.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return expected;
  const std::string authority = url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
  // A name before the host ("https://voxconv.example@evil.example") is there to deceive only.
  if (authority.find('@') != authority.npos) return "an address names no user before the host.";
  const std::string host = authority.substr(0, authority.find(':'));
  const bool good =
      host.find('.') != host.npos && host.front() != '.' && host.back() != '.' && std::all_of(host.begin(), host.end(), [](char c) {
        const char low = lower_case(c);
        return is_digit(c) || (low >= 'a' && low <= 'z') || c == '-' || c == '.';
      });
  return good ? std::string() : expected;
}

json export_artist(Transaction& transaction, const Account& account) {
  const auto artist = transaction.artists().find(account.id);
  if (!artist) return nullptr;
  return {{"handle", artist->handle},
          {"name", artist->name},
          {"bio", artist->bio},
          {"links", json::parse(artist->links)},
          {"picture", !artist->picture.empty()},
          {"hidden", artist->hidden},
          {"followers", transaction.follows().count(account.id)},
          {"created", artist->created}};
}

void add_artist_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/artist", get_own);
  add_route(router, context, Method::put, "/artist", put_own);
  add_route(router, context, Method::del, "/artist", delete_own);
  add_route(router, context, Method::get, "/artist/stats", get_stats);
  add_route(router, context, Method::get, "/artists/{handle}", get_artist);
  add_route(router, context, Method::post, "/artists/{handle}/reports", post_artist_report);
  router.add(Method::get, "/a/{handle}/picture.jpg", [&context](const Request& request) { return get_picture(context, request, false); });
  router.add(Method::get, "/a/{handle}/small.jpg", [&context](const Request& request) { return get_picture(context, request, true); });
  add_artist_pages(router, context);
  add_follow_routes(router, context);
  add_play_routes(router, context);
  add_discover_routes(router, context);
}

}  // namespace webwrap
