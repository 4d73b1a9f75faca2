#include "commands/database.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "commands/commands.h"

namespace webwrap {

std::string database_path(const Config& config) { return config.data_dir + "/webwrap.db"; }

std::unique_ptr<Store> open_existing_store(const Config& config) {
  const std::string path = database_path(config);
  if (!std::filesystem::exists(path))
    throw std::runtime_error(fmt::format("There is no database {}: give the data_dir of a service that was started once.", path));
  return open_sqlite_store(path);
}

}  // namespace webwrap
