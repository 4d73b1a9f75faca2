#include <fmt/format.h>

#include <filesystem>

#include "commands/commands.h"
#include "commands/database.h"

namespace webwrap {

int backup(const Config& config, const std::string& path) {
  open_existing_store(config)->backup(path);
  fmt::print("Wrote {} ({} bytes).\n", path, std::filesystem::file_size(path));
  return 0;
}

}  // namespace webwrap
