#include <fmt/chrono.h>
#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/database.h"
#include "domain/printable.h"

namespace webwrap {
namespace {

constexpr int max_reports = 1000;

}  // namespace

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

}  // namespace webwrap
