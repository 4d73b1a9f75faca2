#pragma once
#include "api/json_body.h"
#include "domain/release.h"

namespace webwrap {

/// Reads the whole form of a release from a request; what is left out is empty. Types, lengths and choices are checked here (422), what is
/// still missing by problems_of().
ReleaseForm read_release_form(JsonBody& body);

inline constexpr std::size_t max_release_tracks = 30;

}  // namespace webwrap
