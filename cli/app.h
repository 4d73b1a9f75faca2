#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "console.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv::cli {

/// What every command shares: the global options, the console and cancellation.
struct Session {
  bool json = false, quiet = false;
  LoadOptions load;  ///< --device, --precision, --threads
  CancelToken cancel;
  Console console;
  /// The command that the arguments chose; returns the exit status. Set while parsing, run afterwards.
  std::function<int()> run;
};

/// The whole tree of commands, over `session`. The library fills in nothing but options here: no weights are read.
std::unique_ptr<CLI::App> make_app(Session& session);

/// One per command: adds it to `app`. Its options live as long as the app.
void setup_convert(CLI::App& app, Session& session);
void setup_cover(CLI::App& app, Session& session);
void setup_separate(CLI::App& app, Session& session);
void setup_voices(CLI::App& app, Session& session);
void setup_models(CLI::App& app, Session& session);
void setup_index(CLI::App& app, Session& session);
void setup_info(CLI::App& app, Session& session);
void setup_f0(CLI::App& app, Session& session);
void setup_train(CLI::App& app, Session& session);
void setup_eval(CLI::App& app, Session& session);
void setup_bench(CLI::App& app, Session& session);
void setup_completions(CLI::App& app, Session& session);
void setup_man(CLI::App& app, Session& session);

/// What a retrieval index holds: "index info", and "info" of an index.
int show_index(Session& session, const std::string& path);

/// Adds a command whose options are a struct of type Options: `define` binds them, `run` does the work.
template <typename Options>
CLI::App* add_command(CLI::App& app, Session& session, const std::string& name, const std::string& description,
                      void (*define)(CLI::App&, Options&), int (*run)(Session&, const Options&)) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, description);
  define(*command, *options);
  command->callback([&session, options, run] { session.run = [&session, options, run] { return run(session, *options); }; });
  return command;
}

}  // namespace voxconv::cli
