#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "api/share_access.h"
#include "config/config.h"
#include "store/records.h"

namespace webwrap {

std::string share_url(const Config&, const Share&);

/// The share as its owner sees it; null for one that was taken down.
nlohmann::json share_view(const Config&, const Share&);

/// What listeners are told on every page of a shared song.
inline constexpr char ai_notice[] =
    "The vocal of this song is AI-converted: it was sung by one person and given another voice by software.";

struct SharePage {
  const Config& config;
  const Share& share;
  const Song& song;
  Hearing hearing;  ///< of who reads it
};

/// The page of a shared song, whole without scripts; `embed`: the player alone, for other sites' frames.
std::string share_html(const SharePage&, bool embed);
/// For a song that is not there (any more).
std::string missing_share_html();

std::string embed_url(const Config&, const Share&);
std::string escape_html(const std::string& text);

}  // namespace webwrap
