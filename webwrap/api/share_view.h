#pragma once
#include <nlohmann/json.hpp>

#include "config/config.h"
#include "store/records.h"

namespace webwrap {

std::string share_url(const Config&, const Share&);

/// The share as its owner sees it; null for one that was taken down.
nlohmann::json share_view(const Config&, const Share&);

}  // namespace webwrap
