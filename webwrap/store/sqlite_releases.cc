#include "domain/error.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

void SqliteReleaseStore::set_picture(const Picture& picture) {
  erase_picture(picture.owner);
  rows::insert(connection_, picture);
}

std::optional<Picture> SqliteReleaseStore::picture_of(const Id& owner) { return rows::find<Picture>(connection_, "owner = ?", owner); }

void SqliteReleaseStore::erase_picture(const Id& owner) { rows::run(connection_, "DELETE FROM pictures WHERE owner = ?", owner); }

std::vector<Picture> SqliteReleaseStore::pictures() { return rows::select<Picture>(connection_, "ORDER BY seq DESC"); }

void SqliteReleaseStore::add(const Release& release) { rows::insert(connection_, release); }

void SqliteReleaseStore::update(const Release& release) { rows::update(connection_, release); }

std::optional<Release> SqliteReleaseStore::find(const Id& id) { return rows::find<Release>(connection_, "id = ?", id); }

std::vector<Release> SqliteReleaseStore::list(const Id& account, int limit) { return rows::list<Release>(connection_, account, limit); }

std::vector<Release> SqliteReleaseStore::all() { return rows::select<Release>(connection_, "ORDER BY seq DESC"); }

void SqliteReleaseStore::erase(const Id& id) { rows::run(connection_, "DELETE FROM releases WHERE id = ?", id); }

void SqliteReleaseStore::set_connection(const Connection& connection) {
  rows::run(connection_, "DELETE FROM connections WHERE account = ? AND platform = ?", connection.account, connection.platform);
  rows::insert(connection_, connection);
}

void SqliteReleaseStore::update_connection(const Connection& connection) { rows::update(connection_, connection); }

std::optional<Connection> SqliteReleaseStore::connection_to(const Id& account, const std::string& platform) {
  return rows::find<Connection>(connection_, "account = ? AND platform = ?", account, platform);
}

std::vector<Connection> SqliteReleaseStore::connections(const Id& account) { return rows::list<Connection>(connection_, account, 100); }

void SqliteReleaseStore::erase_connection(const Id& id) { rows::run(connection_, "DELETE FROM connections WHERE id = ?", id); }

void SqliteReleaseStore::add_authorization(const Authorization& authorization, Seconds now) {
  rows::run(connection_, "DELETE FROM authorizations WHERE expires <= ?", now);
  rows::insert(connection_, authorization);
}

std::optional<Authorization> SqliteReleaseStore::consume_authorization(const std::string& state_hash, Seconds now) {
  const auto found = rows::find<Authorization>(connection_, "state_hash = ?", state_hash);
  if (!found) return std::nullopt;
  rows::run(connection_, "DELETE FROM authorizations WHERE state_hash = ?", state_hash);
  return found->expires > now ? found : std::nullopt;
}

void SqliteReleaseStore::add_publication(const Publication& publication) {
  if (publication_of(publication.song, publication.platform))
    throw ServiceError(409, "published", "This song is on this platform already, or on its way; take it down there first.");
  rows::insert(connection_, publication);
}

void SqliteReleaseStore::update_publication(const Publication& publication) { rows::update(connection_, publication); }

std::optional<Publication> SqliteReleaseStore::find_publication(const Id& id) { return rows::find<Publication>(connection_, "id = ?", id); }

std::optional<Publication> SqliteReleaseStore::publication_of(const Id& song, const std::string& platform) {
  return rows::find<Publication>(connection_, "song = ? AND platform = ? AND state <> 'removed'", song, platform);
}

std::vector<Publication> SqliteReleaseStore::publications_of(const Id& song) {
  return rows::select<Publication>(connection_, "WHERE song = ? ORDER BY seq DESC LIMIT 100", song);
}

std::vector<Publication> SqliteReleaseStore::publications(const Id& account, int limit) {
  return rows::list<Publication>(connection_, account, limit);
}

void SqliteReleaseStore::erase_publication(const Id& id) { rows::run(connection_, "DELETE FROM publications WHERE id = ?", id); }

}  // namespace webwrap
