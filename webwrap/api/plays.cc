#include "api/plays.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/share_access.h"
#include "api/shares.h"
#include "domain/id.h"
#include "domain/text.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;

/// A play counts once somebody has listened for a while, once a day for each song and network address. The page tells of the beginning and
/// of the end, the service measures the time between. Neither reloads nor many requests raise a count; who has many addresses can, slowly.
/// A line with IPv6 has many by itself, so those of one site count for little.

constexpr double listened_s = 30, listened_part = 0.5;  // what counts as listening: the less of the two
constexpr Seconds longest_play = 6 * hour;
constexpr int starts_per_hour = 200, songs_per_day = 100;  // of one address
constexpr int networks_of_a_site = 8;                      // a day, for a song

double needed_seconds(const Song& song) { return std::clamp(song.duration_s * listened_part, 1.0, listened_s); }

/// Programs that say what they are.
bool is_robot(const Request& request) {
  const std::string agent = lower_case(request.header("user-agent"));
  constexpr std::array<std::string_view, 8> words = {"bot", "crawl", "spider", "preview", "curl/", "wget/", "python", "scrapy"};
  return agent.empty() || std::any_of(words.begin(), words.end(), [&](std::string_view word) { return agent.find(word) != agent.npos; });
}

/// Hashes with the day's salt, which is forgotten with the day.
Listener listener_of(Transaction& transaction, const Request& request, Seconds now) {
  const std::string salt = transaction.plays().salt_of(now / day, new_secret());
  return {hash_secret(salt + " " + address_of(request)), hash_secret(salt + " " + http::site_of(request.client))};
}

Response post_start(const Context& context, const Request& request) {
  const auto shared = find_shared_song(context, request.params.at("id"));
  if (!shared) throw ServiceError(404, "no_such_share", "There is no such shared song, or it is not shared any more.");
  limit_rate(context, "play", address_of(request), starts_per_hour, hour);
  const std::string secret = new_secret();
  const Seconds now = context.clock.now();
  const auto account = find_account(context, request);
  std::optional<Share> share;
  context.store.read([&](Transaction& transaction) { share = transaction.songs().find_share(request.params.at("id")); });
  const bool heard = share && !hearing_of(context, request, *share).locked;
  const bool counts = heard && !is_robot(request) && !(account && account->id == shared->account);
  if (counts)
    context.store.write([&](Transaction& transaction) {
      transaction.plays().start({hash_secret(secret), shared->id, listener_of(transaction, request, now).network, now});
    });
  return json_response(201, {{"id", secret}, {"after_s", std::ceil(needed_seconds(*shared))}});
}

/// The answer tells nothing of whether it counted, or why not.
Response post_end(const Context& context, const Request& request) {
  const std::string secret = JsonBody(request, {"id"}).text("id", 1, 128);
  const Seconds now = context.clock.now();
  context.store.write([&](Transaction& transaction) {
    const auto start = transaction.plays().take(hash_secret(secret), now - longest_play);
    const auto song = start ? transaction.songs().find(start->song) : std::nullopt;
    if (!song || static_cast<double>(now - start->started) < std::floor(needed_seconds(*song))) return;
    // A start of yesterday has yesterday's salt: the listener is found out anew, by who asks now.
    const Listener listener = listener_of(transaction, request, now);
    if (now / day == start->started / day && listener.network != start->listener) return;
    transaction.plays().count(song->id, listener, now / day, songs_per_day, networks_of_a_site);
  });
  return empty_response();
}

}  // namespace

void clean_up_plays(const Context& context) {
  const Seconds now = context.clock.now();
  context.store.write([&](Transaction& transaction) { transaction.plays().forget(now / day, now - longest_play); });
}

void add_play_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/shares/{id}/plays", post_start);
  add_route(router, context, Method::post, "/plays", post_end);
}

}  // namespace webwrap
