#include "app_tree.h"

#include <sstream>

namespace voxconv::cli {
namespace {

void add_node(const CLI::App& app, const std::string& path, std::vector<CommandNode>& nodes) {
  nodes.push_back({path, &app});
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    add_node(*command, path.empty() ? command->get_name() : path + " " + command->get_name(), nodes);
}

}  // namespace

std::vector<CommandNode> command_tree(const CLI::App& root) {
  std::vector<CommandNode> nodes;
  add_node(root, "", nodes);
  return nodes;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flag_names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) { return option.get_expected_max() > 0 && !option.get_type_name().empty(); }

std::vector<std::string> choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  std::vector<std::string> result;
  // A choice is made of plain words; "-36..36 semitones|auto" is a number.
  if (type.find('|') == std::string::npos || type.find_first_of(". ") != std::string::npos) return result;
  std::istringstream parts(type);
  for (std::string part; std::getline(parts, part, '|');) result.push_back(part);
  return result;
}

}  // namespace voxconv::cli
