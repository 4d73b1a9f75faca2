#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

std::string SqlitePlayStore::salt_of(std::int64_t day, const std::string& fresh) {
  rows::run(connection_, "INSERT OR IGNORE INTO play_salts (day, salt) VALUES (?, ?)", day, fresh);
  return rows::value<std::string>(connection_, "SELECT salt FROM play_salts WHERE day = ?", day);
}

void SqlitePlayStore::start(const PlayStart& start) { rows::insert(connection_, start); }

std::optional<PlayStart> SqlitePlayStore::take(const std::string& token_hash, Seconds started_after) {
  rows::run(connection_, "DELETE FROM play_starts WHERE started <= ?", started_after);
  const std::optional<PlayStart> start = rows::find<PlayStart>(connection_, "token_hash = ?", token_hash);
  if (start) rows::run(connection_, "DELETE FROM play_starts WHERE token_hash = ?", token_hash);
  return start;
}

bool SqlitePlayStore::count(const Id& song, const Listener& listener, std::int64_t day, int songs_a_day, int networks_of_a_site) {
  if (rows::value<int>(connection_, "SELECT count(*) FROM play_listeners WHERE day = ? AND listener = ?", day, listener.network) >=
      songs_a_day)
    return false;
  if (rows::value<int>(connection_, "SELECT count(*) FROM play_listeners WHERE song = ? AND day = ? AND site = ?", song, day,
                       listener.site) >= networks_of_a_site)
    return false;
  if (rows::run(connection_, "INSERT OR IGNORE INTO play_listeners (day, listener, site, song) VALUES (?, ?, ?, ?)", day, listener.network,
                listener.site, song) == 0)
    return false;
  rows::run(connection_, "INSERT INTO plays (song, day, count) VALUES (?, ?, 1) ON CONFLICT (song, day) DO UPDATE SET count = count + 1",
            song, day);
  return true;
}

void SqlitePlayStore::forget(std::int64_t day, Seconds started) {
  rows::run(connection_, "DELETE FROM play_salts WHERE day < ?", day);
  rows::run(connection_, "DELETE FROM play_listeners WHERE day < ?", day);
  rows::run(connection_, "DELETE FROM play_starts WHERE started <= ?", started);
}

std::int64_t SqlitePlayStore::of_song(const Id& song, std::int64_t since) {
  return rows::value<std::int64_t>(connection_, "SELECT coalesce(sum(count), 0) FROM plays WHERE song = ? AND day >= ?", song, since);
}

std::int64_t SqlitePlayStore::of_account(const Id& account) {
  return rows::value<std::int64_t>(
      connection_, "SELECT coalesce(sum(count), 0) FROM plays WHERE song IN (SELECT id FROM songs WHERE account = ?)", account);
}

std::int64_t SqlitePlayStore::of_public_songs(const Id& account) {
  return rows::value<std::int64_t>(connection_,
                                   "SELECT coalesce(sum(count), 0) FROM plays WHERE song IN (SELECT song FROM shares WHERE account = ? AND "
                                   "visibility = 'public' AND NOT taken_down)",
                                   account);
}

std::map<std::int64_t, std::int64_t> SqlitePlayStore::by_day(const Id& account, std::int64_t since) {
  SqliteQuery query(connection_,
                    "SELECT day, sum(count) FROM plays WHERE day >= ? AND song IN (SELECT id FROM songs WHERE account = ?) GROUP BY day",
                    since, account);
  std::map<std::int64_t, std::int64_t> days;
  while (query.step()) days[query.get<std::int64_t>(0)] = query.get<std::int64_t>(1);
  return days;
}

}  // namespace webwrap
