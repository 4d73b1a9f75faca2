#include "store/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <thread>

namespace webwrap {
namespace {

constexpr auto retry_after = std::chrono::microseconds(500);
// 15 s at least: longer than any transaction of this service takes, so that a busy database means a stuck one.
constexpr int max_retries = 30'000;

/// Waits while another process writes. SQLite's own way backs off up to 0.1 s a time: beside a process that writes without a pause, the
/// others would hardly ever find the moment between two of its transactions.
int wait_for_writer(void*, int retries) {
  if (retries >= max_retries) return 0;
  std::this_thread::sleep_for(retry_after);
  return 1;
}

}  // namespace

SqliteConnection::SqliteConnection(const std::string& path, Access access)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX) {
  sqlite3_busy_handler(database_.getHandle(), wait_for_writer, nullptr);
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

void migrate(SqliteConnection& connection) {
  SQLite::Database& database = connection.database();
  const std::vector<std::string_view>& migrations = sqlite_migrations();
  const auto version = [&] { return static_cast<std::size_t>(database.execAndGet("PRAGMA user_version").getInt()); };
  while (version() != migrations.size()) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    const std::size_t done = version();  // again: another process may have been faster
    if (done > migrations.size())
      throw std::runtime_error(fmt::format("The database {} has schema {}, this program knows {}: use the newer program that made it.",
                                           database.getFilename(), done, migrations.size()));
    if (done < migrations.size()) {
      database.exec(std::string(migrations[done]));
      database.exec(fmt::format("PRAGMA user_version = {}", done + 1));
    }
    transaction.commit();
  }
}

}  // namespace webwrap
