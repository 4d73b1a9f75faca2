#include "domain/month.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "domain/text.h"

namespace webwrap {
namespace {

namespace chrono = std::chrono;

chrono::year_month calendar_month(Seconds time) {
  const chrono::year_month_day date(chrono::floor<chrono::days>(chrono::sys_seconds(chrono::seconds(time))));
  return date.year() / date.month();
}

Seconds start_of(chrono::year_month month) { return chrono::sys_seconds(chrono::sys_days(month / 1)).time_since_epoch().count(); }

}  // namespace

std::string month_of(Seconds time) {
  const chrono::year_month month = calendar_month(time);
  return fmt::format("{:04}-{:02}", int(month.year()), unsigned(month.month()));
}

Seconds month_start(Seconds time) { return start_of(calendar_month(time)); }

Seconds next_month_start(Seconds time) { return start_of(calendar_month(time) + chrono::months(1)); }

std::optional<Seconds> parse_month(const std::string& text) {
  const auto digits = [&](std::size_t from, std::size_t to) {
    return std::all_of(text.begin() + long(from), text.begin() + long(to), is_digit) ? std::stoi(text.substr(from, to - from)) : -1;
  };
  if (text.size() != 7 || text[4] != '-') return std::nullopt;
  const int year = digits(0, 4), month = digits(5, 7);
  if (year < 1970 || month < 1 || month > 12) return std::nullopt;
  return start_of(chrono::year(year) / chrono::month(unsigned(month)));
}

}  // namespace webwrap
