

#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

void SqliteRecordingStore::add(const Recording& recording) { rows::insert(connection_, recording); }

void SqliteRecordingStore::update(const Recording& recording) { rows::update(connection_, recording); }

std::optional<Recording> SqliteRecordingStore::find(const Id& id) { return rows::find<Recording>(connection_, "id = ?", id); }

std::vector<Recording> SqliteRecordingStore::list(const Id& account, int limit) {
  return rows::list<Recording>(connection_, account, limit);
}

std::vector<Recording> SqliteRecordingStore::all() { return rows::select<Recording>(connection_, "ORDER BY seq DESC"); }

void SqliteRecordingStore::erase(const Id& id) { rows::run(connection_, "DELETE FROM recordings WHERE id = ?", id); }

std::int64_t SqliteRecordingStore::bytes_of(const Id& account) {
  return rows::value<std::int64_t>(connection_, "SELECT coalesce(sum(size + stems_bytes), 0) FROM recordings WHERE account = ?", account);
}

std::vector<Recording> SqliteRecordingStore::expired(Seconds now) {
  return rows::select<Recording>(connection_, "WHERE state = 'uploading' AND expires <= ? ORDER BY seq DESC", now);
}

void SqliteSongStore::add(const Song& song) { rows::insert(connection_, song); }

void SqliteSongStore::update(const Song& song) { rows::update(connection_, song); }

std::optional<Song> SqliteSongStore::find(const Id& id) { return rows::find<Song>(connection_, "id = ?", id); }

std::vector<Song> SqliteSongStore::list(const Id& account, int limit) { return rows::list<Song>(connection_, account, limit); }

std::vector<Song> SqliteSongStore::all() { return rows::select<Song>(connection_, "ORDER BY seq DESC"); }

void SqliteSongStore::erase(const Id& id) { rows::run(connection_, "DELETE FROM songs WHERE id = ?", id); }

void SqliteSongStore::add_share(const Share& share) { rows::insert(connection_, share); }

void SqliteSongStore::update_share(const Share& share) { rows::update(connection_, share); }

std::optional<Share> SqliteSongStore::find_share(const Id& id) { return rows::find<Share>(connection_, "id = ?", id); }

std::optional<Share> SqliteSongStore::share_of(const Id& song) { return rows::find<Share>(connection_, "song = ?", song); }

void SqliteSongStore::erase_share(const Id& id) { rows::run(connection_, "DELETE FROM shares WHERE id = ?", id); }

void SqliteSongStore::add_report(const Report& report) { rows::insert(connection_, report); }

std::vector<Report> SqliteSongStore::open_reports(int limit) {
  return rows::select<Report>(connection_, "WHERE state = 'open' ORDER BY seq LIMIT ?", limit);
}

std::optional<Report> SqliteSongStore::find_report(const Id& id) { return rows::find<Report>(connection_, "id = ?", id); }

void SqliteSongStore::update_report(const Report& report) { rows::update(connection_, report); }

std::vector<Report> SqliteSongStore::reports(int limit) { return rows::select<Report>(connection_, "ORDER BY seq DESC LIMIT ?", limit); }

}  // namespace webwrap
