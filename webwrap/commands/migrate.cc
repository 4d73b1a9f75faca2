#include <fmt/format.h>

#include "commands/commands.h"
#include "store/store.h"

namespace webwrap {

int migrate(const Config& config) {
  open_sqlite_store(database_path(config));
  fmt::print("The database {} has this program's schema.\n", database_path(config));
  return 0;
}

}  // namespace webwrap
