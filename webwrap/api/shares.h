#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "api/context.h"
#include "api/share_access.h"
#include "config/config.h"
#include "store/records.h"
#include "store/store.h"

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
  std::optional<Artist> artist;  ///< of a song that everyone may see
  std::int64_t plays = 0;
  Hearing hearing;  ///< of who reads it
};

/// The page of a shared song, whole without scripts; `embed`: the player alone, for other sites' frames.
std::string share_html(const SharePage&, bool embed);
/// For a song that is not there (any more).
std::string missing_share_html();

std::string embed_url(const Config&, const Share&);

/// The blob key of the mp3 that listeners of a share hear.
std::string shared_audio(Transaction&, const Share&, const Song&);
/// The song of a share that the public may hear; nothing: there is none, or it was taken down, or its artist hidden.
std::optional<Song> find_shared_song(const Context&, const Id& share);

}  // namespace webwrap
