#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "app.h"
#include "app_tree.h"
#include "voxconv/version.h"

namespace voxconv::cli {
namespace {

struct ManCommand {};

/// Text as troff wants it: hyphens and backslashes escaped, no line that starts like a request.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n'))
      result += std::string("\\&") + c;
    else
      result += c;
  }
  return result;
}

std::string option_entry(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : flag_names(option)) names.push_back("\\fB" + escaped(name) + "\\fR");
  const std::string value = takes_value(option) ? "\\fI" + escaped(option.get_type_name()) + "\\fR" : "";
  std::string head = names.empty() ? value : fmt::format("{}{}{}", fmt::join(names, ", "), value.empty() ? "" : " ", value);
  std::string text = escaped(option.get_description());
  if (const std::string standard = option.get_default_str(); !standard.empty()) text += fmt::format(" [{}]", escaped(standard));
  return fmt::format(".TP\n{}\n{}\n", head, text);
}

std::string options_text(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) text += option_entry(*option);
  return text;
}

/// A footer: its lines as they are.
std::string verbatim(const std::string& text) { return text.empty() ? "" : ".PP\n.nf\n" + escaped(text) + "\n.fi\n"; }

std::string man_page(const CLI::App& root) {
  std::string page = fmt::format(
      ".TH VOXCONV 1 \"\" \"voxconv {0}\" \"User Commands\"\n.SH NAME\nvoxconv \\- singing voice conversion\n"
      ".SH SYNOPSIS\n.B voxconv\n[\\fIglobal options\\fR] \\fIcommand\\fR [\\fIoptions\\fR] ...\n.SH DESCRIPTION\n{1}\n"
      ".SH GLOBAL OPTIONS\nThey may also stand after the command.\n{2}.SH COMMANDS\n",
      version(), escaped(root.get_description()), options_text(root));
  for (const auto& [path, app] : command_tree(root)) {
    if (path.empty()) continue;
    page += fmt::format(".SS voxconv {}\n{}.\n{}{}", escaped(path), escaped(app->get_description()), options_text(*app),
                        verbatim(app->get_footer()));
  }
  return page + ".SH EXAMPLES AND EXIT STATUS\n" + verbatim(root.get_footer());
}

int run_man(Session& session, const ManCommand&) {
  Session blank;
  const std::string page = man_page(*make_app(blank));
  session.console.result(page, {{"event", "man"}, {"page", page}});
  return 0;
}

}  // namespace

void setup_man(CLI::App& app, Session& session) {
  CLI::App* command = add_command<ManCommand>(
      app, session, "man", "Print the manual page", [](CLI::App&, ManCommand&) {}, run_man);
  command->footer("Examples:\n  voxconv man | man -l -\n  voxconv man > /usr/local/share/man/man1/voxconv.1");
}

}  // namespace voxconv::cli
