#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>

#include "commands/commands.h"
#include "voxconv/process.h"
#include "voxconv/version.h"

namespace webwrap {
namespace {

struct Flags {
  std::string config_path;
  std::optional<std::string> data_dir;
  std::optional<int> port;
};

Config config_of(const Flags& flags) {
  Config config = load_config(flags.config_path);
  if (flags.data_dir) config.data_dir = *flags.data_dir;
  if (flags.port) config.port = *flags.port;
  return config;
}

std::string user_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user ? user->pw_name : std::to_string(::getuid());
}

void make_data_dir(const Config& config) {
  namespace fs = std::filesystem;
  if (fs::is_directory(config.data_dir)) return;
  if (std::error_code error; !fs::create_directories(config.data_dir, error) && error)
    throw std::runtime_error(
        fmt::format("Cannot make the folder {}: {}. Give one that can be written to with --data-dir.", config.data_dir, error.message()));
  fs::permissions(
      config.data_dir,
      fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);  // recordings and songs are private: no access for other users
}

int run(int argc, char** argv) {
  CLI::App app("The web service of voxconv: singers upload a recording and get it back with another voice.", "webwrap");
  app.set_version_flag("--version", fmt::format("webwrap {}", voxconv::version()), "Print the version");
  app.set_help_flag("-h,--help", "Print this help");
  app.fallthrough();
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  Flags flags;
  app.add_option("--config", flags.config_path, "Settings: a JSON file (docs/operations.md)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile.description(""));
  app.add_option("--data-dir", flags.data_dir, "Where the database and the audio are kept")->type_name("DIR");

  std::function<int(const Config&)> command;
  const auto add = [&](const char* name, const char* help, std::function<int(const Config&)> function, bool makes_data_dir) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->callback([&command, function, makes_data_dir] {
      command = [function, makes_data_dir](const Config& config) {
        if (makes_data_dir) make_data_dir(config);
        return function(config);
      };
    });
    return sub;
  };
  CLI::App* serving = add(
      "serve", "Serve, and keep the workers running", [&](const Config& c) { return serve(c, flags.config_path); }, true);
  serving->add_option("--port", flags.port, "Port to listen on; 0: a free one")
      ->type_name("N")
      ->check(CLI::Range(0, 65535).description(""));
  double exit_when_idle = -1;
  bool once = false;
  CLI::App* working = add(
      "worker", "Do jobs: analyse, convert, render", [&](const Config& c) { return worker(c, exit_when_idle, once); }, true);
  working->add_option("--exit-when-idle", exit_when_idle, "End after so many seconds without a job")
      ->type_name("S")
      ->check(CLI::NonNegativeNumber.description(""));
  working->add_flag("--once", once, "End after one job");
  add("migrate", "Bring the database to this program's schema", migrate, true);
  bool deep = false;
  add(
      "audit", "Check the books, the database and the files", [&](const Config& c) { return audit(c, deep); }, false)
      ->add_flag("--deep", deep, "Read every file and compare its checksum");
  std::string path, share;
  add(
      "backup", "Copy the database while the service runs", [&](const Config& c) { return backup(c, path); }, false)
      ->add_option("file", path, "The copy; must not be there yet")
      ->required();
  add(
      "takedown", "End a share for good", [&](const Config& c) { return takedown(c, share); }, false)
      ->add_option("share", share, "Its id or its address")
      ->required();
  std::string member;
  SettleOptions settlement;
  CLI::App* settling = add(
      "settle", "Show what a member's closed account at Stripe leaves open, or book it",
      [&](const Config& c) { return settle(c, member, settlement); }, false);
  settling->add_option("account", member, "The member's id or e-mail address, or the account at Stripe (acct_...)")->required();
  CLI::Option* how = settling->add_option("--as", settlement.as, "paid: it was paid in another way; written-off: nobody gets it")
                         ->type_name("HOW")
                         ->check(CLI::IsMember({"paid", "written-off"}).description(""));
  settling
      ->add_option("--amount", settlement.amount, "What is left, as it was shown, in the currency's smallest unit; negative: it is owed")
      ->type_name("N")
      ->needs(how);
  settling->add_option("--currency", settlement.currency, "What is left in it, as eur; where there are several")
      ->type_name("CODE")
      ->needs(how);
  settling->add_option("--reason", settlement.reason, "Why, for the books; the member sees it in the statement")
      ->type_name("TEXT")
      ->needs(how);
  settling->add_flag("--force", settlement.force, "Give up what is still to be taken back, given back or paid out there; not open disputes")
      ->needs(how);
  settlement.by = user_name();
  settling->add_option("--by", settlement.by, "Who books it; otherwise the user of this machine")->type_name("NAME")->needs(how);
  bool all_reports = false, show_again = false;
  std::string report, decision, by = user_name(), note, handle;
  CLI::App* queue = add(
      "reports", "List what listeners complained about and nobody has decided yet",
      [&](const Config& c) { return report.empty() ? reports(c, all_reports) : decide_report(c, report, decision, by, note); }, false);
  queue->add_flag("--all", all_reports, "Also what was decided, with who did");
  CLI::Option* decide = queue->add_option("--decide", report, "Decide about a report, and all others about the same")->type_name("REPORT");
  queue->add_option("decision", decision, "keep; takedown: end the share for good; hide: hide the artist")
      ->check(CLI::IsMember({"keep", "takedown", "hide"}))
      ->needs(decide);
  decide->needs("decision");
  queue->add_option("--by", by, "Who decides; otherwise the user of this machine")->type_name("NAME");
  queue->add_option("--note", note, "Why, for the record")->type_name("TEXT");
  CLI::App* hiding = add(
      "hide", "Hide an artist: the page, its songs and feed", [&](const Config& c) { return hide_artist(c, handle, !show_again); }, false);
  hiding->add_option("artist", handle, "The handle or the page's address")->required();
  hiding->add_flag("--undo", show_again, "Show it again");
  bool all_voices = false;
  std::string voice, reason;
  std::function<int(const Config&)> about_voice;
  CLI::App* voices = add(
      "voices", "List members' voices that wait for a person",
      [&](const Config& c) { return about_voice ? about_voice(c) : list_voices(c, all_voices); }, false);
  voices->add_flag("--all", all_voices, "List all of them");
  const auto add_decision = [&](const char* name, const char* help, bool with_reason, std::function<int(const Config&)> function) {
    CLI::App* sub = voices->add_subcommand(name, help);
    sub->add_option("voice", voice, "Its id")->required();
    if (with_reason) sub->add_option("reason", reason, "One sentence for its owner")->required();
    sub->callback([&about_voice, function] { about_voice = function; });
    return sub;
  };
  add_decision("show", "What is known of a voice, and the files to listen to", false,
               [&](const Config& c) { return show_voice(c, voice); });
  std::string seen;
  add_decision("approve", "Accept its consent, or publish it", false, [&](const Config& c) { return approve_voice(c, voice, seen); })
      ->add_option("seen", seen, "The mark that show printed: that this is what you listened to")
      ->required();
  add_decision("refuse", "Refuse its consent, or to publish it", true, [&](const Config& c) { return refuse_voice(c, voice, reason); });
  add_decision("hide", "Let nobody convert with it", true, [&](const Config& c) { return hide_voice(c, voice, reason); });
  add_decision("unhide", "End that", false, [&](const Config& c) { return hide_voice(c, voice, ""); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::string words = error.what();
    if (const std::vector<std::string> rest = app.remaining(); app.get_subcommands().empty() && !rest.empty())
      words = fmt::format("There is no {} \"{}\".", rest.front().starts_with('-') ? "option" : "command", rest.front());
    fmt::print(stderr, "webwrap: {}{} See webwrap --help.\n", words, words.ends_with('.') ? "" : ".");
    return 2;
  }
  try {
    return command(config_of(flags));
  } catch (const std::exception& error) {
    fmt::print(stderr, "webwrap: {}\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace webwrap

int main(int argc, char** argv) {
  voxconv::prepare_process();
  return webwrap::run(argc, argv);
}
