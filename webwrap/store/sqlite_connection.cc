#include "store/sqlite_connection.h"

namespace webwrap {
namespace {

// Longer than any transaction of this service takes, so that a busy database means a stuck one.
constexpr int busy_timeout_ms = 15'000;

}  // namespace

SqliteConnection::SqliteConnection(const std::string& path, Access access)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, busy_timeout_ms) {
  // FULL: a commit is on the disk when it returns, also in WAL mode. Recursive triggers: REPLACE cannot pass by the ledger's.
  database_.exec(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;"
      "PRAGMA cache_size = -8000; PRAGMA journal_size_limit = 67108864;");
  if (access == Access::read) database_.exec("PRAGMA query_only = ON;");
}

SQLite::Statement& SqliteConnection::statement(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.emplace(sql, SQLite::Statement(database_, sql)).first->second;
}

}  // namespace webwrap
