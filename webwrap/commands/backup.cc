#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "commands/commands.h"
#include "commands/database.h"

namespace webwrap {

int backup(const Config& config, const std::string& path) {
  if (std::filesystem::exists(std::filesystem::symlink_status(path)))
    throw std::runtime_error(
        fmt::format("There is something at {} already, which is left as it is: name a file that is not there yet.", path));
  open_existing_store(config)->backup(path);
  fmt::print("Wrote {} ({} bytes).\n", path, std::filesystem::file_size(path));
  return 0;
}

}  // namespace webwrap
