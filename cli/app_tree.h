#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace voxconv::cli {

/// One command of the tree, its path below the program: "voices list"; "" is the program itself.
struct CommandNode {
  std::string path;
  const CLI::App* app;
};

/// The program and all its commands, in depth.
std::vector<CommandNode> command_tree(const CLI::App& root);

/// The names of the commands directly below one.
std::vector<std::string> subcommand_names(const CLI::App& app);

/// "-o", "--output" ...; none for a positional argument.
std::vector<std::string> flag_names(const CLI::Option& option);

bool takes_value(const CLI::Option& option);

/// The choices of an option whose values are shown as a|b|c; else none.
std::vector<std::string> choices(const CLI::Option& option);

}  // namespace voxconv::cli
