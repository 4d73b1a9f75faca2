#pragma once
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "store/store.h"

namespace webwrap {

/// The account of an artist by its id, or by the handle that stands in an address. The id comes first: nobody else can have it, while
/// anybody could take it for his handle. ServiceError(404, "no_such_artist").
inline Id require_artist(Transaction& transaction, const std::string& address) {
  auto artist = transaction.artists().find(address);
  if (!artist) artist = transaction.artists().find_by_handle(address);
  if (!artist || artist->hidden) throw ServiceError(404, "no_such_artist", "There is no such artist.");
  return artist->account;
}

/// An artist as fans see it; what one who left was called is not known any more.
inline nlohmann::json artist_view(Transaction& transaction, const Id& account) {
  const auto artist = transaction.artists().find(account);
  if (!artist) return {{"id", account}, {"handle", nullptr}, {"name", "An artist who left"}};
  return {{"id", account}, {"handle", artist->handle}, {"name", artist->name}};
}

}  // namespace webwrap
