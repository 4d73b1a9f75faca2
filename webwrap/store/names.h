#pragma once
#include <array>
#include <string>

#include "store/records.h"

namespace webwrap {

/// Enumerators by the names that the database and the API use, in their order.
constexpr auto names_of(AccountKind) { return std::array{"guest", "member"}; }
constexpr auto names_of(Recording::State) { return std::array{"uploading", "analysing", "ready", "failed"}; }
constexpr auto names_of(Job::Kind) { return std::array{"analyse", "convert", "render"}; }
constexpr auto names_of(Job::State) { return std::array{"queued", "running", "done", "failed", "cancelled"}; }
constexpr auto names_of(Order::State) { return std::array{"created", "pending", "paid", "failed", "expired", "refunded", "disputed"}; }

template <class Enum>
std::string name_of(Enum value) {
  return names_of(value)[static_cast<std::size_t>(value)];
}

}  // namespace webwrap
