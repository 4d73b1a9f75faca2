#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "api/context.h"
#include "store/store.h"

namespace webwrap {

/// What a member agrees to by speaking the phrase; kept with each consent.
std::string own_voice_terms(const Config&);

/// The part of /config about own voices; null where there are none here.
nlohmann::json own_voice_config(const Config&);

}  // namespace webwrap
