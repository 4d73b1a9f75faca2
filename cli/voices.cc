#include <fmt/format.h>

#include "app.h"
#include "voice_text.h"

namespace voxconv::cli {
namespace {

struct VoiceArguments {
  std::string voice, path;
  ImportOptions import;
  bool names_only = false;
};

int run_list(Session& session, const VoiceArguments& options) {
  const std::vector<VoiceInfo> voices = VoiceStore().list();
  std::size_t width = 0;
  for (const VoiceInfo& voice : voices) width = std::max(width, voice.name.size());
  for (const VoiceInfo& voice : voices)
    session.console.result(
        options.names_only
            ? voice.name
            : fmt::format("{:{}}  {:6}  {:5}  {:11}  {}", voice.name, width, voice.gender.empty() ? "-" : voice.gender,
                          voice.language.empty() ? "-" : voice.language,
                          voice.f0_high > 0 ? fmt::format("{:3.0f}..{:3.0f} Hz", voice.f0_low, voice.f0_high) : "-", voice.title),
        voice_event(voice));
  if (voices.empty()) session.console.note("There are no voices; import one with \"voxconv voices import FILE\".");
  return 0;
}

int run_voice_info(Session& session, const VoiceArguments& options) { return show_voice(session, options.voice); }

int run_import(Session& session, const VoiceArguments& options) {
  const VoiceInfo voice = VoiceStore().import_voice(options.path, options.import);
  session.console.result(fmt::format("Imported {} to {}", voice.name, voice.path),
                         {{"event", "imported"}, {"name", voice.name}, {"path", voice.path}});
  return 0;
}

int run_export(Session& session, const VoiceArguments& options) {
  const std::string target = options.path.empty() ? VoiceStore().find(options.voice).name + ".zip" : options.path;
  VoiceStore().export_voice(options.voice, target);
  session.console.result(fmt::format("Exported {} to {}", options.voice, target),
                         {{"event", "exported"}, {"name", options.voice}, {"path", target}});
  return 0;
}

int run_verify(Session& session, const VoiceArguments& options) {
  std::vector<std::string> bundles;
  if (options.voice.empty())
    for (const VoiceInfo& voice : VoiceStore().list()) bundles.push_back(voice.path);
  else
    bundles.push_back(VoiceStore().find(options.voice).path);
  bool sound = true;
  for (const std::string& bundle : bundles) {
    session.cancel.check();
    const std::vector<std::string> problems = VoiceStore::verify(bundle);
    std::string text = fmt::format("{}: {}", bundle, problems.empty() ? "sound" : "not sound");
    for (const std::string& problem : problems) text += "\n  " + problem;
    session.console.result(text, {{"event", "verified"}, {"path", bundle}, {"sound", problems.empty()}, {"problems", problems}});
    sound = sound && problems.empty();
  }
  return sound ? 0 : exit_status(ErrorCode::bad_model);
}

int run_rm(Session& session, const VoiceArguments& options) {
  VoiceStore().remove(options.voice);
  session.console.result(fmt::format("Removed {}", options.voice), {{"event", "removed"}, {"name", options.voice}});
  return 0;
}

CLI::Option* add_voice(CLI::App& app, VoiceArguments& options) {
  return app.add_option("voice", options.voice, "Name of a voice, a bundle folder, or a .pth")->type_name("VOICE");
}

}  // namespace

void setup_voices(CLI::App& app, Session& session) {
  CLI::App* voices = app.add_subcommand("voices", "List, inspect, import, export, verify and remove voices");
  voices->require_subcommand(1);
  using Options = VoiceArguments;
  add_command<Options>(
      *voices, session, "list", "The voices that can be named",
      [](CLI::App& command, Options& o) { command.add_flag("--names", o.names_only, "Names only, one a line"); }, run_list);
  add_command<Options>(
      *voices, session, "info", "What is known of a voice", [](CLI::App& command, Options& o) { add_voice(command, o)->required(); },
      run_voice_info);
  add_command<Options>(
      *voices, session, "import", "Check a bundle or an RVC voice and copy it to the user's voices",
      [](CLI::App& command, Options& o) {
        command
            .add_option("path", o.path,
                        "Bundle folder, a .zip of \"voices export\", a .pth of RVC or Applio, or a .zip with such a .pth and its .index")
            ->required()
            ->type_name("PATH");
        command.add_option("--name", o.import.name, "Give the voice this name instead of its own")->type_name("NAME");
        command.add_option("--title", o.import.title, "Title of the voice of a .pth")->type_name("TEXT");
        command.add_option("--index", o.import.index, "Retrieval index (.index) that belongs to the .pth")->type_name("FILE");
      },
      run_import);
  add_command<Options>(
      *voices, session, "export", "Pack a voice into a .zip, or write an RVC voice as .pth",
      [](CLI::App& command, Options& o) {
        add_voice(command, o)->required();
        command.add_option("-o,--output", o.path, "File to write (.zip or .pth); else NAME.zip here")->type_name("FILE");
      },
      run_export);
  add_command<Options>(
      *voices, session, "verify", "Check one voice, or all, for damage", [](CLI::App& command, Options& o) { add_voice(command, o); },
      run_verify);
  add_command<Options>(
      *voices, session, "rm", "Remove one of the user's voices", [](CLI::App& command, Options& o) { add_voice(command, o)->required(); },
      run_rm);
  voices->footer(
      "Examples:\n"
      "  voxconv voices list\n"
      "  voxconv voices info kathleen\n"
      "  voxconv voices export kathleen -o kathleen.zip\n"
      "  voxconv voices import kathleen.zip --name kathleen-copy\n"
      "  voxconv voices import singer.pth --index singer.index --name singer\n"
      "  voxconv voices import singer.zip    (a bundle, or a .pth with its .index)\n"
      "  voxconv voices export singer -o singer-again.pth\n\n"
      "The user's voices lie in $VOXCONV_VOICES, else $XDG_DATA_HOME/voxconv/voices, else ~/.local/share/voxconv/voices.");
}

}  // namespace voxconv::cli
