#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/context.h"
#include "store/store.h"

namespace webwrap {

std::string artist_url(const Config&, const Artist&);
std::string picture_url(const Config&, const Artist&, bool small = false);  ///< empty: there is none

/// A song that everyone may see, as lists show it.
struct PublicSong {
  Share share;
  Song song;
  Artist artist;
  std::int64_t plays = 0;
};
std::vector<PublicSong> public_songs(Transaction&, const std::vector<Share>&);
nlohmann::json public_song_view(const Config&, const PublicSong&, Seconds now);

/// The artist as everyone sees it, without songs.
nlohmann::json artist_view(Transaction&, const Config&, const Artist&);

/// The artist of a handle, older ones too; nothing: none, or hidden.
std::optional<Artist> find_public_artist(Transaction&, const std::string& handle, Seconds now);
[[noreturn]] void fail_no_artist_page();  ///< ServiceError(404, "no_artist"): for a member who has none
/// Throws ServiceError(404, "no_such_artist").
Artist require_public_artist(const Context&, const std::string& handle);

/// Why a link of an artist's page cannot be had, as a sentence; empty: it can. `url`: http or https, a host, nothing before it.
std::string link_problem(const std::string& url);

nlohmann::json export_artist(Transaction&, const Account&);  ///< for the account's export; null: none

}  // namespace webwrap
