#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/auth.h"
#include "api/context.h"
#include "domain/error.h"
#include "http/message.h"
#include "store/store.h"

namespace webwrap {

using ContextHandler = std::function<http::Response(const Context&, const http::Request&)>;

/// Adds a route below /api/v1 whose handler gets the context. What changes something is asked for by our own pages or by scripts only
/// (require_own_site), whoever asks: also what makes a session must not be had from another site.
inline void add_route(http::Router& router, const Context& context, http::Method method, const std::string& path, ContextHandler handler,
                      std::size_t max_body = http::Router::usual_body) {
  router.add(
      method, "/api/v1" + path,
      [&context, handler = std::move(handler)](const http::Request& request) {
        require_own_site(context, request);
        return handler(context, request);
      },
      max_body);
}

/// An answer with a JSON body. Text of unknown origin that is not UTF-8 is repaired, not refused.
http::Response json_response(int status, const nlohmann::json& body);
/// The same with an ETag, for what is asked again and again: 304 without a body where the client has it.
http::Response tagged_response(const http::Request&, const nlohmann::json& body);
/// 204.
http::Response empty_response();
/// A JSON list, to which `add` appends what it finds.
http::Response list_response(const Context&, const std::function<void(Transaction&, nlohmann::json& list)>& add);
/// A parameter of the query; absent: `otherwise`.
std::string query_of(const http::Request&, const std::string& name, const std::string& otherwise = "");

/// The account as its owner sees it, with the credits of the ledger.
nlohmann::json account_view(Transaction&, const Account&);
http::Response account_response(Store&, int status, const Account&);

/// An audio blob to listen to, or with a name to save it under. Browsers may keep it but ask each time: it may be gone.
inline http::Response audio_response(const std::string& key, const std::string& type = "audio/mpeg",
                                     const std::string& download_name = "") {
  http::Response response;
  response.type = type;
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  response.file = http::FileBody{key, download_name};
  return response;
}

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

[[noreturn]] inline void fail_not_ready() {
  throw ServiceError(409, "not_ready", "This recording has not been looked at yet; try again when its state is ready.");
}

inline Recording require_ready_recording(const Context& context, const Account& account, const Id& id) {
  Recording recording = require_recording(context, account, id);
  if (recording.state != Recording::State::ready) fail_not_ready();
  return recording;
}

inline Song require_song(const Context& context, const Account& account, const Id& id) {
  std::optional<Song> found;
  context.store.read([&](Transaction& transaction) { found = transaction.songs().find(id); });
  return owned(std::move(found), account, "no_such_song", "There is no such song.");
}

/// null where there is nothing to say.
inline nlohmann::json or_null(const std::string& text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); }
inline nlohmann::json or_null(Seconds time) { return time == 0 ? nlohmann::json() : nlohmann::json(time); }

/// Runs `work`, which forgets what lies below the blobs' `prefix` and belongs to who asks, and removes that. On a full disk the audio goes
/// first, so that there is room for the transaction: deleting is how space is freed and must always work.
inline void erase_with_blobs(const Context& context, const std::string& prefix, const std::function<void(Transaction&)>& work) {
  try {
    context.store.write(work);
  } catch (const ServiceError& error) {
    if (error.status() != 507) throw;
    context.blobs.remove_all(prefix);
    context.store.write(work);
  }
  context.blobs.remove_all(prefix);
}

}  // namespace webwrap
