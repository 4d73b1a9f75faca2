#include "store/sqlite_migrations.h"

#include <fmt/format.h>

namespace webwrap {

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
