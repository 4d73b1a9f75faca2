#pragma once
#include <string_view>
#include <vector>

#include "store/sqlite_connection.h"

namespace webwrap {

/// The numbered files of store/migrations, in order: the first makes schema version 1 from nothing. Made at build time.
const std::vector<std::string_view>& sqlite_migrations();

/// Applies what the database lacks, each in one transaction; several processes may do so at a time. Throws std::runtime_error where the
/// database is of a newer version of this program.
void migrate(SqliteConnection& connection);

}  // namespace webwrap
