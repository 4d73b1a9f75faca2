#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace webwrap {

/// A cell of a CSV file, quoted. One that a spreadsheet would take for a formula begins with an apostrophe then: what is in it was typed by
/// strangers.
std::string csv_cell(std::string_view text);

/// A line of a CSV file (RFC 4180), every cell as csv_cell() makes it.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace webwrap
