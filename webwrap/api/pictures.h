#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/context.h"
#include "store/records.h"

namespace webwrap {

/// The picture of a song or release as its owner sees it; null: none. `path`: "/songs/<id>" or "/releases/<id>".
nlohmann::json picture_view(const std::optional<Picture>&, const std::string& path);

}  // namespace webwrap
