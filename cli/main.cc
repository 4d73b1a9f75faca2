#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <new>

#include "app.h"
#include "voxconv/error.h"
#include "voxconv/process.h"
#include "voxconv/version.h"

namespace voxconv::cli {
namespace {

CancelToken* on_signal = nullptr;

extern "C" void stop(int) {
  if (on_signal) on_signal->cancel();
}

/// The first Ctrl-C cancels, so that nothing half-written stays behind; the second one ends the program at once.
void watch_signals(CancelToken& cancel) {
  on_signal = &cancel;
  struct sigaction action {};
  action.sa_handler = stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
  struct sigaction before {};
  ::sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);  // nohup has it ignored
  // A closed pipe and a file beyond the limit are errors of writing, with a sentence of their own.
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

int report(Session& session, ErrorCode code, const std::string& message) {
  session.console.error(code, message);
  return exit_status(code);
}

/// What is wrong with a command line, and which help tells more.
std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += " " + command->get_name();
  }
  std::string what = error.what();
  const std::vector<std::string> rest = app.remaining(true);
  if (command->get_require_subcommand_min() > 0 && !rest.empty())
    what = fmt::format("There is no {} \"{}\".", rest.front().starts_with('-') ? "option" : "command", rest.front());
  return fmt::format("{}{} See {} --help.", what, what.ends_with('.') ? "" : ".", name);
}

int run(int argc, char** argv) {
  Session session;
  const auto app = make_app(session);
  try {
    app->parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app->exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    session.console.configure(session.json, session.quiet);
    return report(session, ErrorCode::usage, usage_sentence(*app, e));
  }
  session.console.configure(session.json, session.quiet);
  watch_signals(session.cancel);
  try {
    return session.run();
  } catch (const Error& e) {
    // Whatever broke off after a Ctrl-C broke off because of it.
    return report(session, session.cancel.cancelled() ? ErrorCode::cancelled : e.code(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {  // an error of the system, not of the program
    return report(session, ErrorCode::io, fmt::format("Cannot use {}: {}.", e.path1().string(), e.code().message()));
  } catch (const std::bad_alloc&) {
    return report(session, ErrorCode::device, "Out of memory.");
  } catch (const std::exception& e) {
    return report(session, ErrorCode::internal, fmt::format("Internal error: {}. Please report it.", e.what()));
  }
}

}  // namespace

std::unique_ptr<CLI::App> make_app(Session& session) {
  auto app = std::make_unique<CLI::App>("Singing voice conversion: gives a song or a spoken recording another voice.", "voxconv");
  app->set_version_flag("--version", fmt::format("voxconv {}", version()), "Print the version");
  app->set_help_flag("-h,--help", "Print this help");
  app->fallthrough();  // the global options may also stand after the command
  app->require_subcommand(1);
  app->get_formatter()->column_width(34);
  app->add_flag("--json", session.json, "Print events as lines of JSON on standard output")->group("Global options");
  app->add_flag("-q,--quiet", session.quiet, "Print results and errors only")->group("Global options");
  app->add_option("--device", session.load.device, "auto, cpu, cuda or cuda:N")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Global options");
  app->add_option("--precision", session.load.precision, "auto, fp32, bf16 or fp16")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}).description(""))
      ->capture_default_str()
      ->group("Global options");
  app->add_option("--threads", session.load.threads, "CPU threads; 0: OMP_NUM_THREADS, else all cores")
      ->type_name("N")
      ->check(CLI::Range(0, 1024).description(""))
      ->capture_default_str()
      ->group("Global options");
  setup_convert(*app, session);
  setup_cover(*app, session);
  setup_separate(*app, session);
  setup_voices(*app, session);
  setup_models(*app, session);
  setup_index(*app, session);
  setup_info(*app, session);
  setup_f0(*app, session);
  setup_train(*app, session);
  setup_eval(*app, session);
  setup_bench(*app, session);
  setup_completions(*app, session);
  setup_man(*app, session);
  app->footer(
      "Examples:\n"
      "  voxconv voices list\n"
      "  voxconv convert tests/data/song.flac --voice kathleen -o out.wav\n"
      "  voxconv convert --help\n\n"
      "Exit status:\n"
      "  0 done, 1 bug in voxconv, 2 usage, 3 bad input, 4 model or voice, 5 device, 6 output, 7 network, 130 cancelled");
  return app;
}

}  // namespace voxconv::cli

int main(int argc, char** argv) {
  voxconv::prepare_process();
  return voxconv::cli::run(argc, argv);
}
