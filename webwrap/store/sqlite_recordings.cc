#include "store/sqlite_rows.h"
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
  return rows::value<std::int64_t>(connection_, "SELECT coalesce(sum(size), 0) FROM recordings WHERE account = ?", account);
}

std::vector<Recording> SqliteRecordingStore::expired(Seconds now) {
  return rows::select<Recording>(connection_, "WHERE state = 'uploading' AND expires <= ? ORDER BY seq DESC", now);
}

}  // namespace webwrap
