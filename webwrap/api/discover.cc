#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/artists.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/kept.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_discovered = 60;
constexpr int max_artists = 24, max_followed = 100, looked_at = 500;
constexpr int songs_of_one = 4;  // nobody fills the list alone
constexpr std::int64_t played_days = 30;

std::vector<Share> of_many(const std::vector<Share>& shares) {
  std::map<Id, int> counts;
  std::vector<Share> chosen;
  for (const Share& share : shares)
    if (chosen.size() < max_discovered && ++counts[share.account] <= songs_of_one) chosen.push_back(share);
  return chosen;
}

json songs_json(const Context& context, Transaction& transaction, const std::vector<Share>& shares) {
  json songs = json::array();
  for (const PublicSong& song : public_songs(transaction, shares))
    songs.push_back(public_song_view(context.config, song, context.clock.now()));
  return songs;
}

/// Songs and artists for everyone. What is hidden or taken down may stand here for as long as this is kept; its page is gone at once.
json for_everyone(const Context& context, bool played) {
  json songs, artists = json::array();
  context.store.read([&](Transaction& transaction) {
    ArtistStore& store = transaction.artists();
    const std::int64_t since = context.clock.now() / day - played_days + 1;
    songs = songs_json(context, transaction, of_many(played ? store.most_played_shares(since, looked_at) : store.newest_shares(looked_at)));
    for (const Artist& artist : store.most_followed(max_artists)) artists.push_back(artist_view(transaction, context.config, artist));
  });
  return {{"songs", songs}, {"artists", artists}};
}

/// Of the artists whom a member follows; nothing before the address is confirmed.
json for_follower(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json songs = json::array(), artists = json::array();
  if (account.email_verified)
    context.store.read([&](Transaction& transaction) {
      songs = songs_json(context, transaction, transaction.artists().followed_shares(account.email, max_discovered));
      for (const Follow& follow : transaction.follows().list(account.email, max_followed)) {
        const auto artist = transaction.artists().find(follow.artist);
        if (artist && !artist->hidden) artists.push_back(artist_view(transaction, context.config, *artist));
      }
    });
  return {{"songs", songs}, {"artists", artists}};
}

/// What is for everyone is the same for all who ask.
struct Discovered {
  Kept<json> newest{kept}, played{kept};
  static constexpr Seconds kept = 60;
};

/// Songs that everyone may see: the newest, those played the most lately, or those of the artists whom a member follows.
Response get_discover(const Context& context, Discovered& discovered, const Request& request) {
  const std::string list = query_of(request, "list", "new");
  if (list == "followed") return json_response(200, for_follower(context, request));
  if (list != "new" && list != "played") fail_field("list", "this is new, played or followed.");
  const bool played = list == "played";
  return json_response(
      200, (played ? discovered.played : discovered.newest).get(context.clock.now(), [&] { return for_everyone(context, played); }));
}

}  // namespace

void add_discover_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/discover",
            [discovered = std::make_shared<Discovered>()](const Context& asked, const Request& request) {
              return get_discover(asked, *discovered, request);
            });
}

}  // namespace webwrap
