#pragma once
#include <CLI/CLI.hpp>

#include "voxconv/options.h"

namespace voxconv::cli {

/// Adds a flag for each row of convert_option_table(); what they say lies in `options`, which has to outlive the app. The values are
/// checked by ConvertOptions::validate(), not here.
void add_convert_flags(CLI::App& app, ConvertOptions& options);

}  // namespace voxconv::cli
