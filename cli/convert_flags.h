#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "voxconv/options.h"

namespace voxconv::cli {

/// Adds a flag for each row of convert_option_table(); what they say lies in `options`, which has to outlive the app. The values are
/// checked by ConvertOptions::validate(), not here.
void add_convert_flags(CLI::App& app, ConvertOptions& options);

/// Adds a flag that takes a number of semitones or "auto"; both have to outlive the app.
CLI::Option* add_key_flag(CLI::App& app, const std::string& flag, double& key, bool& key_auto, const std::string& help);

/// A check for options that hold a std::uint64_t: CLI11 takes larger numbers for the largest one.
CLI::Validator whole_number();

/// Adds --model and --model-config, which name a Separator; both have to outlive the app.
void add_separator_flags(CLI::App& app, std::string& model, std::string& settings, const std::string& group = "");

}  // namespace voxconv::cli
