#pragma once
#include <string>
#include <string_view>

namespace voxconv::cli {

/// Writes a small result file: whole or not at all; to a device or a pipe as it is. Throws Error(io).
void write_data_file(const std::string& path, std::string_view data);

}  // namespace voxconv::cli
