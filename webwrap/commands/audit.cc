#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/database.h"

namespace webwrap {

int audit(const Config& config) {
  std::vector<std::string> problems;
  open_existing_store(config)->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
  for (const std::string& problem : problems) fmt::print("{}\n", problem);
  fmt::print("{}\n", problems.empty() ? "The books are sound." : fmt::format("{} things are wrong with the books.", problems.size()));
  return problems.empty() ? 0 : 1;
}

}  // namespace webwrap
