#include <fmt/format.h>

#include "commands/commands.h"
#include "store/store.h"

namespace webwrap {

std::string database_path(const Config& config) { return config.data_dir + "/webwrap.db"; }

int audit(const Config& config) {
  std::vector<std::string> problems;
  open_sqlite_store(database_path(config))->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
  for (const std::string& problem : problems) fmt::print("{}\n", problem);
  fmt::print("{}\n", problems.empty() ? "The books are sound." : fmt::format("{} things are wrong with the books.", problems.size()));
  return problems.empty() ? 0 : 1;
}

}  // namespace webwrap
