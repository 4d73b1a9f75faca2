#include "store/sqlite_rows.h"
#include "store/sqlite_stores.h"

namespace webwrap {

void SqliteOrderStore::add(const Order& order) { rows::insert(connection_, order); }

void SqliteOrderStore::update(const Order& order) { rows::update(connection_, order); }

std::optional<Order> SqliteOrderStore::find(const Id& id) { return rows::find<Order>(connection_, "id = ?", id); }

std::optional<Order> SqliteOrderStore::find_by_session(const std::string& session) {
  return rows::find<Order>(connection_, "session = ? AND session <> ''", session);
}

std::optional<Order> SqliteOrderStore::find_by_payment_intent(const std::string& payment_intent) {
  return rows::find<Order>(connection_, "payment_intent = ? AND payment_intent <> ''", payment_intent);
}

std::vector<Order> SqliteOrderStore::list(const Id& account, int limit) { return rows::list<Order>(connection_, account, limit); }

bool SqliteOrderStore::note_event(const std::string& event_id, const std::string& type, Seconds now) {
  return rows::run(connection_, "INSERT INTO stripe_events (id, type, time) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", event_id, type,
                   now) > 0;
}

}  // namespace webwrap
