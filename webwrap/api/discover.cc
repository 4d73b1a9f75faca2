#include <map>
#include <nlohmann/json.hpp>

#include "api/artists.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_discovered = 60;
constexpr int max_artists = 24, looked_at = 500;
constexpr int songs_of_one = 4;  // nobody fills the list alone
constexpr std::int64_t played_days = 30;

std::vector<Share> of_many(const std::vector<Share>& shares) {
  std::map<Id, int> counts;
  std::vector<Share> chosen;
  for (const Share& share : shares)
    if (chosen.size() < max_discovered && ++counts[share.account] <= songs_of_one) chosen.push_back(share);
  return chosen;
}

/// Songs that everyone may see: the newest, those played the most lately, or those of the artists whom a member follows.
Response get_discover(const Context& context, const Request& request) {
  const auto given = request.query.find("list");
  const std::string list = given == request.query.end() ? "new" : given->second;
  if (list != "new" && list != "played" && list != "followed") fail_field("list", "this is new, played or followed.");
  std::string email;
  if (list == "followed") {
    const Account account = require_member(context, request);
    if (account.email_verified) email = account.email;
  }
  json songs = json::array(), artists = json::array();
  context.store.read([&](Transaction& transaction) {
    ArtistStore& store = transaction.artists();
    const std::vector<Share> shares = list == "new" ? of_many(store.newest_shares(looked_at))
                                      : list == "played"
                                          ? of_many(store.most_played_shares(context.clock.now() / day - played_days + 1, looked_at))
                                          : store.followed_shares(email, max_discovered);
    for (const PublicSong& song : public_songs(transaction, shares)) songs.push_back(public_song_view(context.config, song));
    for (const Artist& artist : store.most_followed(max_artists)) artists.push_back(artist_view(transaction, context.config, artist));
  });
  return json_response(200, {{"songs", songs}, {"artists", artists}});
}

}  // namespace

void add_discover_routes(http::Router& router, Context& context) { add_route(router, context, Method::get, "/discover", get_discover); }

}  // namespace webwrap
