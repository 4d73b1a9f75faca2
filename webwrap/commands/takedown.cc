#include <fmt/format.h>

#include <stdexcept>

#include "commands/commands.h"
#include "commands/database.h"
#include "domain/printable.h"

namespace webwrap {

int takedown(const Config& config, const std::string& share) {
  const auto slash = share.find_last_of('/');
  const Id id = slash == std::string::npos ? share : share.substr(slash + 1);
  std::string title;
  open_existing_store(config)->write([&](Transaction& transaction) {
    auto found = transaction.songs().find_share(id);
    if (!found) throw std::runtime_error(fmt::format("There is no share \"{}\".", id));
    found->taken_down = true;
    transaction.songs().update_share(*found);
    if (const auto song = transaction.songs().find(found->song)) title = song->title;
  });
  fmt::print("Took down {} (\"{}\"): its page is gone, and it cannot be shared again.\n", id, printable(title));
  return 0;
}

}  // namespace webwrap
