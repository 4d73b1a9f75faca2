#pragma once
#include <cstddef>

namespace webwrap {

// What requests are held to, /api/v1/config tells its clients, and openapi.json says (a test compares them).

constexpr double lowest_level_db = -24, highest_level_db = 12;  ///< of a voice or the music in a mix
constexpr std::size_t max_artist_links = 8;

}  // namespace webwrap
