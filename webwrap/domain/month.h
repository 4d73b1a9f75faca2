#pragma once
#include <optional>
#include <string>

#include "domain/clock.h"

namespace webwrap {

/// Months of the calendar in UTC, by which statements are made: "2026-11".

std::string month_of(Seconds time);
Seconds month_start(Seconds time);                            ///< of the month that `time` is in
Seconds next_month_start(Seconds time);                       ///< of the one after
std::optional<Seconds> parse_month(const std::string& text);  ///< its start

}  // namespace webwrap
