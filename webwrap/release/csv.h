#pragma once
#include <string>
#include <vector>

namespace webwrap {

/// A line of a CSV file (RFC 4180), every cell quoted. A cell that a spreadsheet would take for a formula begins with an apostrophe then:
/// what is in it was typed by strangers.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace webwrap
