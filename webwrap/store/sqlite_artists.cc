#include "domain/artist_name.h"
#include "domain/error.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
namespace {

/// What the public may see of an artist's songs, of `shares`.
constexpr char is_public[] =
    "visibility = 'public' AND NOT taken_down"
    // Not IN (SELECT ...): SQLite would go through all artists, and sort, in place of reading the index of dates to the limit.
    " AND EXISTS (SELECT 1 FROM artists WHERE artists.account = shares.account AND NOT hidden)";

bool is_taken(SqliteConnection& connection, const std::string& key, const Id& account, Seconds now) {
  return rows::value<bool>(connection,
                           "SELECT EXISTS (SELECT 1 FROM artist_keys WHERE key = ? AND account <> ? AND (until = 0 OR until > ?))", key,
                           account, now);
}

}  // namespace

/// Makes these keys the account's, and keeps those that it gives up for a time.
void SqliteArtistStore::take_keys(const Artist& artist, Seconds now) {
  const std::string handle = look_alike_key(artist.handle), name = look_alike_key(artist.name);
  if (is_taken(connection_, handle, artist.account, now))
    throw ServiceError(409, "handle_taken", "handle: another artist has this one, or one that looks like it: choose another.");
  if (is_taken(connection_, name, artist.account, now))
    throw ServiceError(409, "name_taken", "name: another artist has this one, or one that looks like it: choose another.");
  give_up_keys(artist.account, now);
  for (const std::string& key : {handle, name})
    rows::run(connection_,
              "INSERT INTO artist_keys (key, account, until) VALUES (?, ?, 0) ON CONFLICT (key) DO UPDATE SET account = excluded.account, "
              "until = 0",
              key, artist.account);
}

void SqliteArtistStore::give_up_keys(const Id& account, Seconds now) {
  rows::run(connection_, "UPDATE artist_keys SET until = ? WHERE account = ? AND until = 0", now + artist_name_kept, account);
}

/// An old handle leads to the account's page for as long as its key is kept.
void SqliteArtistStore::keep_handle(const Artist& artist, Seconds now) {
  rows::run(connection_, "INSERT OR REPLACE INTO artist_handles (handle, account, until) VALUES (?, ?, ?)", artist.handle, artist.account,
            now + artist_name_kept);
}

void SqliteArtistStore::add(const Artist& artist, Seconds now) {
  rows::run(connection_, "DELETE FROM artist_keys WHERE until > 0 AND until <= ?", now);
  rows::run(connection_, "DELETE FROM artist_handles WHERE until <= ? OR handle = ?", now, artist.handle);
  take_keys(artist, now);
  rows::insert(connection_, artist);
}

void SqliteArtistStore::update(const Artist& artist, Seconds now) {
  const std::optional<Artist> before = find(artist.account);
  if (!before) return;
  if (before->handle != artist.handle || before->name != artist.name) take_keys(artist, now);
  if (before->handle != artist.handle) {
    rows::run(connection_, "DELETE FROM artist_handles WHERE handle = ?", artist.handle);
    keep_handle(*before, now);
  }
  rows::update(connection_, artist);
}

void SqliteArtistStore::erase(const Id& account, Seconds now) {
  const std::optional<Artist> artist = find(account);
  if (!artist) return;
  give_up_keys(account, now);
  keep_handle(*artist, now);
  rows::run(connection_, "UPDATE shares SET visibility = 'unlisted' WHERE account = ?", account);
  SqliteEarningStore(connection_).close_tiers(account);  // nobody is to pay on for what is gone
  rows::run(connection_, "DELETE FROM artists WHERE account = ?", account);
}

void SqliteArtistStore::forget(const Id& account, Seconds now) {
  erase(account, now);
  rows::run(connection_, "UPDATE artist_keys SET account = '' WHERE account = ?", account);
}

std::optional<Artist> SqliteArtistStore::find(const Id& account) { return rows::find<Artist>(connection_, "account = ?", account); }

std::optional<Artist> SqliteArtistStore::find_by_handle(const std::string& handle) {
  return rows::find<Artist>(connection_, "handle = ?", handle);
}

std::optional<Artist> SqliteArtistStore::find_by_old_handle(const std::string& handle, Seconds now) {
  return rows::find<Artist>(connection_, "account = (SELECT account FROM artist_handles WHERE handle = ? AND until > ?)", handle, now);
}

std::vector<Artist> SqliteArtistStore::all() { return rows::select<Artist>(connection_, "ORDER BY seq DESC"); }

std::vector<Share> SqliteArtistStore::public_shares(const Id& account, int limit, int offset) {
  return rows::select<Share>(connection_,
                             std::string("WHERE account = ? AND ") + is_public + " ORDER BY published DESC, seq DESC LIMIT ? OFFSET ?",
                             account, limit, offset);
}

std::vector<Share> SqliteArtistStore::newest_shares(int limit) {
  return rows::select<Share>(connection_, std::string("WHERE ") + is_public + " ORDER BY published DESC, seq DESC LIMIT ?", limit);
}

std::vector<Share> SqliteArtistStore::most_played_shares(std::int64_t since_day, int limit) {
  return rows::select<Share>(connection_,
                             std::string("JOIN (SELECT song AS played, sum(count) AS heard FROM plays WHERE day >= ? GROUP BY song) ON "
                                         "played = song WHERE ") +
                                 is_public + " ORDER BY heard DESC, published DESC LIMIT ?",
                             since_day, limit);
}

std::vector<Share> SqliteArtistStore::followed_shares(const std::string& email, int limit) {
  return rows::select<Share>(connection_,
                             std::string("WHERE account IN (SELECT artist FROM follows WHERE email = ? AND token_hash = '') AND ") +
                                 is_public + " ORDER BY published DESC, seq DESC LIMIT ?",
                             email, limit);
}

std::vector<Artist> SqliteArtistStore::most_followed(int limit) {
  return rows::select<Artist>(connection_,
                              "WHERE NOT hidden AND EXISTS (SELECT 1 FROM shares WHERE shares.account = artists.account AND visibility = "
                              "'public' AND NOT taken_down) ORDER BY (SELECT count(*) FROM follows WHERE artist = artists.account AND "
                              "token_hash = '') DESC, seq DESC LIMIT ?",
                              limit);
}

}  // namespace webwrap
