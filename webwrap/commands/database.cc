#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "commands/commands.h"
#include "domain/printable.h"
#include "store/store.h"

namespace webwrap {
namespace {

constexpr int max_reports = 1000;

}  // namespace

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

int reports(const Config& config) {
  open_existing_store(config)->read([&](Transaction& transaction) {
    const std::vector<Report> all = transaction.songs().reports(max_reports);
    if (all.empty()) fmt::print("Nobody has reported a song.\n");
    for (const Report& report : all) {
      const auto share = transaction.songs().find_share(report.share);
      const char* state = !share ? "not shared any more" : share->taken_down ? "taken down" : "shared";
      fmt::print("{:%Y-%m-%d %H:%M} UTC  {}/s/{} ({})  from {}\n  {}\n", fmt::gmtime(std::time_t(report.created)), config.base_url(),
                 report.share, state, report.email.empty() ? "an unnamed listener" : printable(report.email),
                 printable(report.reason, "  "));
    }
  });
  return 0;
}

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
