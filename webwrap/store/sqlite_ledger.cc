

#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
namespace {

/// What a check's rows have in common: each is one sentence.
const char* const checks[] = {
    // The books by themselves.
    "SELECT 'Entry ' || key || ' sums to ' || coalesce(sum(amount), 0) || ' credits, not 0.'"
    " FROM entries JOIN postings ON entry = entries.seq GROUP BY entries.seq HAVING sum(amount) <> 0",

    "SELECT 'Entry ' || key || ' has no postings.' FROM entries WHERE seq NOT IN (SELECT entry FROM postings)",

    "SELECT 'Posting ' || seq || ' to ' || account || ' belongs to no entry.' FROM postings WHERE entry NOT IN (SELECT seq FROM entries)",

    "SELECT account || ' has ' || sum(amount) || ' credits: what is reserved cannot be negative.'"
    " FROM postings WHERE account GLOB 'reserved:*' GROUP BY account HAVING sum(amount) < 0",

    "SELECT account || ' has ' || sum(amount) || ' credits, though none of its payments was taken back.'"
    " FROM postings WHERE account GLOB 'user:*' GROUP BY account HAVING sum(amount) < 0 AND account NOT IN"
    " (SELECT account FROM entries JOIN postings ON entry = entries.seq WHERE kind IN ('refund', 'dispute'))",

    // Reserves against the jobs that hold them: the sum, so that nothing is held for no job.
    "SELECT account || ' holds ' || held || ' credits, but its queued and running jobs reserved ' || wanted || '.' FROM"
    " (SELECT account, sum(amount) AS held, (SELECT coalesce(sum(price), 0) FROM jobs WHERE jobs.account = substr(postings.account, 10)"
    " AND state IN ('queued', 'running')) AS wanted FROM postings WHERE account GLOB 'reserved:*' GROUP BY account) WHERE held <> wanted",

    // Each job's entries against its price and state.
    "WITH steps AS (SELECT id, account, state, price,"
    " (SELECT sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':reserve'"
    "   AND postings.account = 'reserved:' || jobs.account) AS reserved,"
    " (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':capture'"
    "   AND postings.account = 'reserved:' || jobs.account) AS captured,"
    " (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':release'"
    "   AND postings.account = 'reserved:' || jobs.account) AS released FROM jobs)"
    " SELECT 'Job ' || id || ' is ' || state || ' at a price of ' || price || ' credits, but the books say: reserved ' ||"
    " coalesce(reserved, 'nothing') || ', captured ' || coalesce(captured, 'nothing') || ', released ' || coalesce(released, 'nothing')"
    " || '.' FROM steps WHERE reserved IS NOT nullif(price, 0)"
    " OR captured IS NOT CASE WHEN state = 'done' THEN nullif(price, 0) END"
    " OR released IS NOT CASE WHEN state IN ('failed', 'cancelled') THEN nullif(price, 0) END",

    // Jobs may be gone with their account; what they reserved must be settled all the same, and only what was reserved.
    "WITH reserves AS (SELECT substr(key, 1, length(key) - 8) AS job, amount FROM entries JOIN postings ON entry = entries.seq"
    "  WHERE kind = 'reserve' AND account GLOB 'reserved:*')"
    " SELECT 'What ' || substr(job, 5) || ' reserved is not settled, and there is no such job.' FROM reserves"
    " WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = substr(job, 5)) AND amount IS NOT"
    " (SELECT -sum(p.amount) FROM entries e JOIN postings p ON p.entry = e.seq WHERE e.key IN (job || ':capture', job || ':release')"
    "  AND p.account GLOB 'reserved:*')",

    "SELECT 'Entry ' || key || ' settles what was never reserved.' FROM entries AS settled WHERE kind IN ('capture', 'release')"
    " AND NOT EXISTS (SELECT 1 FROM entries WHERE key = substr(settled.key, 1, length(settled.key) - 7) || 'reserve')",

    // Orders against what was sold.
    "SELECT 'Order ' || id || ' is ' || state || ', but ' || coalesce(booked, 'no') || ' credits were booked for it, not ' ||"
    " credits || '.' FROM (SELECT id, state, credits, (SELECT sum(amount) FROM entries JOIN postings ON entry = entries.seq"
    " WHERE key = 'stripe:' || session || ':sold' AND postings.account = 'user:' || orders.account) AS booked FROM orders"
    " WHERE state IN ('paid', 'refunded', 'disputed')) WHERE booked IS NOT credits",

    "SELECT 'Order ' || id || ' is ' || state || ', but credits were booked for it.' FROM orders"
    " WHERE state NOT IN ('paid', 'refunded', 'disputed') AND session <> ''"
    " AND EXISTS (SELECT 1 FROM entries WHERE key = 'stripe:' || session || ':sold')",

    "SELECT 'Entry ' || key || ' sells credits that no order asked for.' FROM entries WHERE kind = 'purchase'"
    " AND NOT EXISTS (SELECT 1 FROM orders WHERE session <> '' AND key = 'stripe:' || session || ':sold')",

    // In any mixture of refunds and disputes: only the sum is sure.
    "SELECT 'Order ' || id || ' is refunded, but ' || coalesce(taken, 'no') || ' credits were taken back for it, not ' || credits || '.'"
    " FROM (SELECT id, credits, (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq"
    " WHERE key >= 'stripe:' || session || ':back:' AND key < 'stripe:' || session || ':back;'"
    " AND postings.account = 'user:' || orders.account) AS taken FROM orders WHERE state = 'refunded') WHERE taken IS NOT credits",
};

}  // namespace

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

std::vector<std::string> SqliteLedgerStore::audit() {
  std::vector<std::string> problems;
  SqliteQuery integrity(connection_, "PRAGMA integrity_check");
  while (integrity.step())
    if (const auto line = integrity.get<std::string>(0); line != "ok") problems.push_back("The database is damaged: " + line + ".");
  SqliteQuery foreign(connection_, "PRAGMA foreign_key_check");
  while (foreign.step())
    problems.push_back("A row of " + foreign.get<std::string>(0) + " names one of " + foreign.get<std::string>(2) + " that is not there.");
  for (const char* sql : checks) {
    SqliteQuery query(connection_, sql);
    while (query.step()) problems.push_back(query.get<std::string>(0));
  }
  return problems;
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
