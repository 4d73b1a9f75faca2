#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "app.h"
#include "app_tree.h"

namespace voxconv::cli {
namespace {

struct CompletionsCommand {
  std::string shell;
};

/// What follows an option, or stands for an argument: names of voices or of models, fixed choices, folders or files.
enum class Value { none, voice, model, choice, folder, file };

Value value_of(const CLI::Option& option) {
  if (!takes_value(option)) return Value::none;
  const std::string type = option.get_type_name();
  if (type == "VOICE") return Value::voice;
  if (type == "MODEL") return Value::model;
  if (type == "DIR") return Value::folder;
  return choices(option).empty() ? Value::file : Value::choice;
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option*) { return true; });
}

/// Those of a command and, as they may stand anywhere, of the commands above it: the program's.
std::vector<const CLI::Option*> flags_of(const CLI::App& app, const CLI::App& root) {
  std::vector<const CLI::Option*> flags;
  for (const CLI::App* level : {&app, &root}) {
    for (const CLI::Option* option : options_of(*level))
      if (!flag_names(*option).empty() && (level == &app || app.get_option_no_throw(flag_names(*option).back()) == nullptr))
        flags.push_back(option);
    if (&app == &root) break;
  }
  return flags;
}

/// "voices" or "models" where a command's argument is one of them, else "".
std::string listed_argument(const CLI::App& app) {
  for (const CLI::Option* option : options_of(app)) {
    if (!option->get_positional()) continue;
    if (value_of(*option) == Value::voice) return "voices";
    if (value_of(*option) == Value::model) return "models";
  }
  return "";
}

/// One script serves bash and zsh (through bashcompinit).
std::string bash(const CLI::App& root) {
  std::string flags, values, arguments, commands;
  for (const auto& [path, app] : command_tree(root)) {
    std::vector<std::string> names;
    for (const CLI::Option* option : flags_of(*app, root)) {
      const auto own = flag_names(*option);
      names.insert(names.end(), own.begin(), own.end());
      std::string action;
      switch (value_of(*option)) {
        case Value::voice: action = "_voxconv_names voices"; break;
        case Value::model: action = "_voxconv_names models"; break;
        case Value::choice: action = fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))", fmt::join(choices(*option), " ")); break;
        case Value::folder: action = "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\"))"; break;
        case Value::file: action = "compopt -o default 2>/dev/null; COMPREPLY=()"; break;
        case Value::none: continue;
      }
      std::vector<std::string> patterns;
      for (const std::string& name : own) patterns.push_back(fmt::format("'{} {}'", path, name));
      values += fmt::format("    {}) {}; return ;;\n", fmt::join(patterns, "|"), action);
    }
    flags += fmt::format("    '{}') words=\"{}\" ;;\n", path, fmt::join(names, " "));
    const auto below = subcommand_names(*app);
    if (!below.empty()) commands += fmt::format("    '{}') below=\"{}\" ;;\n", path, fmt::join(below, " "));
    if (const std::string what = listed_argument(*app); !what.empty())
      arguments += fmt::format("    '{}') _voxconv_names {}; return ;;\n", path, what);
  }
  return fmt::format(R"sh(# bash completion of voxconv; made by "voxconv completions"
_voxconv_names() {{
  COMPREPLY=($(compgen -W "$(voxconv --quiet "$1" list --names 2>/dev/null)" -- "$cur"))
}}

# The commands directly below the command in $1.
_voxconv_below() {{
  local below=
  case "$1" in
{}  esac
  echo "$below"
}}

_voxconv() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path= words= below= i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case " $(_voxconv_below "$path") " in *" $word "*) path="${{path:+$path }}$word" ;; esac
  done
  case "$path $prev" in
{}  esac
  case "$path" in
{}  esac
  below=$(_voxconv_below "$path")
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  if [[ -n $below ]]; then
    COMPREPLY=($(compgen -W "$below" -- "$cur"))
    return
  fi
  case "$path" in
{}  esac
  compopt -o default 2>/dev/null
}}
complete -F _voxconv voxconv
)sh",
                     commands, values, flags, arguments);
}

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) text.replace(at, 1, "'\\''");
  return "'" + text + "'";
}

std::string fish(const CLI::App& root) {
  std::string script =
      "# fish completion of voxconv; made by \"voxconv completions\"\n"
      "complete -c voxconv -f\n";
  for (const auto& [path, app] : command_tree(root)) {
    const auto below = subcommand_names(*app);
    std::string condition;  // fish runs this to see whether a line applies
    if (path.empty()) {
      condition = "__fish_use_subcommand";
    } else {
      std::vector<std::string> seen;
      std::istringstream words(path);
      for (std::string word; words >> word;) seen.push_back("__fish_seen_subcommand_from " + word);
      condition = fmt::format("{}", fmt::join(seen, "; and "));
    }
    std::string here = condition;
    if (!path.empty() && !below.empty()) here += fmt::format("; and not __fish_seen_subcommand_from {}", fmt::join(below, " "));
    for (const std::string& name : below)
      script +=
          fmt::format("complete -c voxconv -n {} -a {} -d {}\n", quoted(here), name, quoted(app->get_subcommand(name)->get_description()));
    for (const CLI::Option* option : options_of(*app)) {
      std::string line = "complete -c voxconv";
      if (!path.empty()) line += " -n " + quoted(condition);
      for (const std::string& name : option->get_snames()) line += " -s " + name;
      for (const std::string& name : option->get_lnames()) line += " -l " + name;
      if (flag_names(*option).empty() && value_of(*option) != Value::voice && value_of(*option) != Value::model) line += " -F";
      switch (value_of(*option)) {
        case Value::voice: line += " -x -a '(voxconv --quiet voices list --names 2>/dev/null)'"; break;
        case Value::model: line += " -x -a '(voxconv --quiet models list --names 2>/dev/null)'"; break;
        case Value::choice: line += " -x -a " + quoted(fmt::format("{}", fmt::join(choices(*option), " "))); break;
        case Value::folder: line += flag_names(*option).empty() ? "" : " -r -a '(__fish_complete_directories)'"; break;
        case Value::file: line += flag_names(*option).empty() ? "" : " -r -F"; break;
        case Value::none: break;
      }
      script += line + " -d " + quoted(option->get_description()) + "\n";
    }
  }
  return script;
}

void define_completions(CLI::App& app, CompletionsCommand& options) {
  app.add_option("shell", options.shell, "bash, zsh or fish")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  app.footer(
      "Examples:\n"
      "  voxconv completions bash > ~/.local/share/bash-completion/completions/voxconv\n"
      "  source <(voxconv completions zsh)\n"
      "  voxconv completions fish > ~/.config/fish/completions/voxconv.fish");
}

int run_completions(Session& session, const CompletionsCommand& options) {
  Session blank;  // the tree as it is before any argument was parsed
  const auto root = make_app(blank);
  const std::string script = options.shell == "fish" ? fish(*root)
                             : options.shell == "zsh"
                                 ? "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" + bash(*root)
                                 : bash(*root);
  session.console.result(script, {{"event", "completions"}, {"shell", options.shell}, {"script", script}});
  return 0;
}

}  // namespace

void setup_completions(CLI::App& app, Session& session) {
  add_command<CompletionsCommand>(app, session, "completions", "Print a script that completes voxconv's arguments", define_completions,
                                  run_completions);
}

}  // namespace voxconv::cli
