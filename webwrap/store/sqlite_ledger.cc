#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
bool SqliteLedgerStore::post(const LedgerEntry& entry) {
  check(entry);
  if (rows::run(connection_, "INSERT INTO entries (key, kind, note, time) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING", entry.key,
                entry.kind, entry.note, entry.time) == 0)
    return false;
  const std::int64_t seq = connection_.database().getLastInsertRowid();
  for (const Posting& posting : entry.postings)
    rows::run(connection_, "INSERT INTO postings (entry, account, amount) VALUES (?, ?, ?)", seq, posting.account, posting.amount);
  return true;
}

Credits SqliteLedgerStore::balance(const std::string& account) {
  return rows::value<Credits>(connection_, "SELECT coalesce(sum(amount), 0) FROM postings WHERE account = ?", account);
}

std::vector<HistoryLine> SqliteLedgerStore::history(const Id& user, int limit) {
  SqliteQuery query(connection_,
                    "WITH lines AS (SELECT entry, sum(amount) AS amount,"
                    " sum(sum(amount) FILTER (WHERE account = ?1)) OVER (ORDER BY entry) AS balance"
                    " FROM postings WHERE account IN (?1, ?2) GROUP BY entry)"
                    " SELECT entries.kind, coalesce(CASE WHEN json_valid(parameters) THEN parameters ->> '$.title' END, note), amount,"
                    " coalesce(balance, 0), time FROM lines JOIN entries ON entries.seq = entry"
                    // A job's entry is job:<id>:<kind>. What the song is called stands with the job only, which goes with its account.
                    " LEFT JOIN jobs ON entries.kind IN ('reserve', 'capture', 'release')"
                    " AND jobs.id = substr(key, 5, length(key) - length(entries.kind) - 5)"
                    " ORDER BY entry DESC LIMIT ?3",
                    user_account(user), reserved_account(user), limit);
  std::vector<HistoryLine> lines;
  while (query.step())
    lines.push_back(
        {query.get<std::string>(0), query.get<std::string>(1), query.get<Credits>(2), query.get<Credits>(3), query.get<Seconds>(4)});
  return lines;
}

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
