#include <fmt/format.h>

#include <algorithm>

#include "app.h"
#include "voxconv/model_catalog.h"

namespace voxconv::cli {
namespace {

struct ModelsArguments {
  std::vector<std::string> names;
  std::string catalog;
  GetModelOptions get;
  bool names_only = false;
};

std::string size_text(std::int64_t bytes) {
  if (bytes == 0) return "?";
  return bytes < 1'000'000 ? fmt::format("{:.1f} kB", double(bytes) / 1e3) : fmt::format("{:.1f} MB", double(bytes) / 1e6);
}

const char* state_text(ModelState state) {
  switch (state) {
    case ModelState::missing: return "-";
    case ModelState::partial: return "partial";
    case ModelState::installed: return "installed";
  }
  return "-";
}

Console::Json model_event(const ModelCatalog& catalog, const CatalogEntry& entry) {
  const ModelState state = catalog.state(entry);
  Console::Json files = Console::Json::array();
  for (const CatalogFile& file : entry.files)
    files.push_back({{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}, {"urls", file.urls}});
  return {{"event", "model"},
          {"name", entry.name},
          {"kind", entry.kind},
          {"title", entry.title},
          {"source", entry.source},
          {"licence", entry.licence},
          {"licence_note", entry.licence_note},
          {"state", state == ModelState::missing ? "missing" : state_text(state)},
          {"path", state == ModelState::installed ? catalog.path(entry.name) : ""},
          {"files", files}};
}

int run_list(Session& session, const ModelsArguments& options) {
  const ModelCatalog catalog(options.catalog);
  std::size_t width = 0;
  for (const CatalogEntry& entry : catalog.entries()) width = std::max(width, entry.name.size());
  for (const CatalogEntry& entry : catalog.entries())
    session.console.result(options.names_only
                               ? entry.name
                               : fmt::format("{:{}}  {:9}  {:>8}  {:15}  {:9}  {}", entry.name, width, state_text(catalog.state(entry)),
                                             size_text(entry.bytes()), entry.kind, entry.licence, entry.title),
                           model_event(catalog, entry));
  return 0;
}

int run_get(Session& session, const ModelsArguments& options) {
  const ModelCatalog catalog(options.catalog);
  if (!options.get.from.empty() && options.names.size() > 1)
    throw Error(ErrorCode::usage, "--from holds the files of one model; give one name.");
  for (const std::string& name : options.names) catalog.find(name);  // a misspelt one before anything is fetched
  for (const std::string& name : options.names) {
    const auto files = catalog.get(name, options.get, session.console.progress(), session.cancel);
    session.console.end_progress();
    bool fetched = false;
    for (const InstalledModelFile& file : files) {
      fetched = fetched || file.fetched;
      if (file.fetched && !file.published)
        session.console.warning(
            fmt::format("Nobody publishes a checksum of {}; it has the sha256 {}, which is recorded, so that \"voxconv models verify\" "
                        "notices changes.",
                        file.path, file.sha256));
    }
    Console::Json list = Console::Json::array();
    for (const InstalledModelFile& file : files)
      list.push_back({{"path", file.path},
                      {"bytes", file.bytes},
                      {"sha256", file.sha256},
                      {"checksum_published", file.published},
                      {"fetched", file.fetched}});
    const std::string path = catalog.path(name);
    session.console.result(fmt::format("{} {} in {}", name, fetched ? "is installed" : "was installed already, and is sound,", path),
                           {{"event", "installed"}, {"name", name}, {"path", path}, {"files", list}});
    if (fetched) session.console.note(fmt::format("Licence: {} ({}).", catalog.find(name).licence, catalog.find(name).licence_note));
  }
  return 0;
}

int run_path(Session& session, const ModelsArguments& options) {
  const std::string path = ModelCatalog(options.catalog).path(options.names.front());
  session.console.result(path, {{"event", "model_path"}, {"name", options.names.front()}, {"path", path}});
  return 0;
}

int run_verify(Session& session, const ModelsArguments& options) {
  const ModelCatalog catalog(options.catalog);
  std::vector<std::string> names = options.names;
  if (names.empty())
    for (const CatalogEntry& entry : catalog.entries())
      if (catalog.state(entry) == ModelState::installed) names.push_back(entry.name);
  bool sound = true;
  for (const std::string& name : names) {
    const std::vector<std::string> problems = catalog.verify(name, session.cancel);
    std::string text = fmt::format("{}: {}", name, problems.empty() ? "sound" : "not sound");
    for (const std::string& problem : problems) text += "\n  " + problem;
    session.console.result(text, {{"event", "verified"}, {"name", name}, {"sound", problems.empty()}, {"problems", problems}});
    sound = sound && problems.empty();
  }
  if (names.empty()) session.console.note("No model of the catalog is installed; see \"voxconv models list\".");
  if (!sound) session.console.note("\"voxconv models get NAME\" replaces what is damaged.");
  return sound ? 0 : exit_status(ErrorCode::bad_model);
}

int run_remove(Session& session, const ModelsArguments& options) {
  const ModelCatalog catalog(options.catalog);
  for (const std::string& name : options.names) {
    catalog.remove(name);
    session.console.result(fmt::format("Removed {}", name), {{"event", "removed"}, {"name", name}});
  }
  return 0;
}

CLI::Option* add_names(CLI::App& app, ModelsArguments& options) {
  return app.add_option("name", options.names, "Name of a model: see \"voxconv models list\"")->type_name("MODEL");
}

void add_catalog(CLI::App& app, ModelsArguments& options) {
  app.add_option("--catalog", options.catalog, "Use this catalog instead of the one that ships")->type_name("FILE");
}

}  // namespace

void setup_models(CLI::App& app, Session& session) {
  CLI::App* models = app.add_subcommand("models", "List, fetch, verify and remove content encoders and f0 weights that do not ship");
  models->require_subcommand(1);
  using Options = ModelsArguments;
  add_command<Options>(
      *models, session, "list", "The models of the catalog, and which are here",
      [](CLI::App& command, Options& o) {
        command.add_flag("--names", o.names_only, "Names only, one a line");
        add_catalog(command, o);
      },
      run_list);
  add_command<Options>(
      *models, session, "get", "Download models, or install files that were fetched elsewhere",
      [](CLI::App& command, Options& o) {
        add_names(command, o)->required();
        command.add_option("--from", o.get.from, "Take this file, or the files in this folder, instead of downloading")->type_name("FILE");
        command.add_flag("--force", o.get.force, "Fetch again what is here");
        command.add_flag("--require-checksum", o.get.require_checksum, "Refuse files whose checksum nobody publishes");
        command.add_option("--timeout", o.get.stall_s, "Give up a server that sends nothing for so many seconds")
            ->type_name("SECONDS")
            ->check(CLI::Range(1, 3600).description(""))
            ->capture_default_str();
        add_catalog(command, o);
      },
      run_get);
  add_command<Options>(
      *models, session, "path", "Where an installed model lies",
      [](CLI::App& command, Options& o) {
        add_names(command, o)->required()->expected(1);
        add_catalog(command, o);
      },
      run_path);
  add_command<Options>(
      *models, session, "verify", "Check models, or all that are installed, for damage",
      [](CLI::App& command, Options& o) {
        add_names(command, o);
        add_catalog(command, o);
      },
      run_verify);
  add_command<Options>(
      *models, session, "remove", "Remove models from the user's folder",
      [](CLI::App& command, Options& o) {
        add_names(command, o)->required();
        add_catalog(command, o);
      },
      run_remove);
  models->footer(
      "Examples:\n"
      "  voxconv models list\n"
      "  voxconv models get contentvec rmvpe\n"
      "  voxconv models get contentvec --from Downloads/hubert_base.pt\n"
      "  voxconv models verify\n\n"
      "An interrupted download goes on when the same command is given again. Models lie in $XDG_DATA_HOME/voxconv/models, else\n"
      "~/.local/share/voxconv/models. $VOXCONV_CATALOG names another catalog; $VOXCONV_MODEL_MIRROR is asked before\n"
      "https://huggingface.co; proxies are taken from https_proxy and no_proxy.");
}

}  // namespace voxconv::cli
