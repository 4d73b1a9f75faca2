#pragma once
#include <string>
#include <string_view>

namespace voxconv::cli {

/// Writes a small result file: whole or not at all. Throws Error(io).
void write_data_file(const std::string& path, std::string_view data);

}  // namespace voxconv::cli
