#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace webwrap {

enum class Level { info, warning, error };

/// Writes one line to stderr: JSON {"time", "level", "pid", "event", ...fields}, or text for people where stderr is a terminal.
/// Thread-safe. `event`: what happened, in a few fixed words. `fields`: a JSON object; never secrets, bodies or cookies.
void log(Level level, const std::string& event, const nlohmann::json& fields);
void log(Level level, const std::string& event);

}  // namespace webwrap
