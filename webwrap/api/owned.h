#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/context.h"
#include "domain/error.h"

namespace webwrap {

/// What was found, if it is the account's; else 404, as if there were none: nothing is told of what belongs to others.
template <class Record>
Record owned(std::optional<Record> found, const Account& account, const char* code, const char* detail) {
  if (!found || found->account != account.id) throw ServiceError(404, code, detail);
  return std::move(*found);
}

inline Recording require_recording(const Context& context, const Account& account, const Id& id) {
  std::optional<Recording> found;
  context.store.read([&](Transaction& transaction) { found = transaction.recordings().find(id); });
  return owned(std::move(found), account, "no_such_recording", "There is no such recording.");
}

inline Song require_song(const Context& context, const Account& account, const Id& id) {
  std::optional<Song> found;
  context.store.read([&](Transaction& transaction) { found = transaction.songs().find(id); });
  return owned(std::move(found), account, "no_such_song", "There is no such song.");
}

/// null where there is nothing to say.
inline nlohmann::json or_null(const std::string& text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); }
inline nlohmann::json or_null(Seconds time) { return time == 0 ? nlohmann::json() : nlohmann::json(time); }

}  // namespace webwrap
