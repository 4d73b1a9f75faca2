#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "commands/commands.h"
#include "store/store.h"

namespace webwrap {

std::string database_path(const Config& config) { return config.data_dir + "/webwrap.db"; }

std::unique_ptr<Store> open_existing_store(const Config& config) {
  const std::string path = database_path(config);
  if (!std::filesystem::exists(path))
    throw std::runtime_error(fmt::format("There is no database {}: give the data_dir of a service that was started once.", path));
  return open_sqlite_store(path);
}

int migrate(const Config& config) {
  open_sqlite_store(database_path(config));
  fmt::print("The database {} has this program's schema.\n", database_path(config));
  return 0;
}

int backup(const Config& config, const std::string& path) {
  if (std::filesystem::exists(std::filesystem::symlink_status(path)))
    throw std::runtime_error(
        fmt::format("There is something at {} already, which is left as it is: name a file that is not there yet.", path));
  open_existing_store(config)->backup(path);
  fmt::print("Wrote {} ({} bytes).\n", path, std::filesystem::file_size(path));
  return 0;
}

}  // namespace webwrap
