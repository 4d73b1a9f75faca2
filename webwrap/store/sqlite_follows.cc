#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
namespace {

/// What nobody was told of, of `shares`: everyone sees it (this time) since ?1 or earlier, but not longer than ?2, which an index finds.
constexpr char is_news[] =
    "visibility = 'public' AND NOT taken_down AND public_since <= ?1 AND public_since > ?2"
    " AND NOT EXISTS (SELECT 1 FROM announced_songs WHERE announced_songs.song = shares.song)";
constexpr Seconds news_age = 30 * day;

}  // namespace

bool SqliteFollowStore::add(const Follow& follow) {
  const std::optional<Follow> before = find(follow.artist, follow.email);
  if (before && before->token_hash.empty()) return false;
  if (before) erase(before->id);
  rows::insert(connection_, follow);
  return true;
}

std::optional<Follow> SqliteFollowStore::find(const Id& id) { return rows::find<Follow>(connection_, "id = ?", id); }

std::optional<Follow> SqliteFollowStore::find(const Id& artist, const std::string& email) {
  return rows::find<Follow>(connection_, "artist = ? AND email = ?", artist, email);
}

std::optional<Follow> SqliteFollowStore::find_by_token(const std::string& token_hash, Seconds now) {
  return rows::find<Follow>(connection_, "token_hash = ? AND token_hash <> '' AND expires > ?", token_hash, now);
}

void SqliteFollowStore::confirm(const Id& id) {
  rows::run(connection_, "UPDATE follows SET token_hash = '', expires = 0 WHERE id = ?", id);
}

void SqliteFollowStore::erase(const Id& id) { rows::run(connection_, "DELETE FROM follows WHERE id = ?", id); }

void SqliteFollowStore::erase_all_of(const std::string& email) { rows::run(connection_, "DELETE FROM follows WHERE email = ?", email); }

int SqliteFollowStore::erase_expired(Seconds now) {
  return rows::run(connection_, "DELETE FROM follows WHERE expires > 0 AND expires <= ?", now);
}

std::vector<Follow> SqliteFollowStore::list(const std::string& email, int limit) {
  return rows::select<Follow>(connection_, "WHERE email = ? AND token_hash = '' ORDER BY seq DESC LIMIT ?", email, limit);
}

std::int64_t SqliteFollowStore::count(const Id& artist) {
  return rows::value<std::int64_t>(connection_, "SELECT count(*) FROM follows WHERE artist = ? AND token_hash = ''", artist);
}

std::vector<Id> SqliteFollowStore::artists_with_news(Seconds public_since, Seconds mailed) {
  SqliteQuery query(connection_,
                    std::string("SELECT DISTINCT account FROM shares WHERE ") + is_news +
                        " AND EXISTS (SELECT 1 FROM artists WHERE artists.account = shares.account AND NOT hidden)"
                        " AND NOT EXISTS (SELECT 1 FROM mailings WHERE artist = account AND created > ?3)",
                    public_since, public_since - news_age, mailed);
  std::vector<Id> artists;
  while (query.step()) artists.push_back(query.get<Id>(0));
  return artists;
}

std::vector<Share> SqliteFollowStore::news_of(const Id& artist, Seconds public_since) {
  return rows::select<Share>(connection_, std::string("WHERE ") + is_news + " AND account = ?3 ORDER BY published, seq", public_since,
                             public_since - news_age, artist);
}

void SqliteFollowStore::note_announced(const Id& song) {
  rows::run(connection_, "INSERT OR IGNORE INTO announced_songs (song) VALUES (?)", song);
}

void SqliteFollowStore::add_mailing(const Mailing& mailing) { rows::insert(connection_, mailing); }

void SqliteFollowStore::update_mailing(const Mailing& mailing) { rows::update(connection_, mailing); }

std::vector<Mailing> SqliteFollowStore::open_mailings(int limit) {
  return rows::select<Mailing>(connection_, "WHERE NOT done ORDER BY seq LIMIT ?", limit);
}

std::vector<Follower> SqliteFollowStore::followers_after(const Id& artist, std::int64_t place, int limit) {
  SqliteQuery query(connection_, "SELECT seq, id, email FROM follows WHERE artist = ? AND token_hash = '' AND seq > ? ORDER BY seq LIMIT ?",
                    artist, place, limit);
  std::vector<Follower> all;
  while (query.step()) all.push_back({query.get<std::int64_t>(0), query.get<Id>(1), query.get<std::string>(2)});
  return all;
}

}  // namespace webwrap
