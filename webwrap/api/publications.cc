#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "api/auth.h"
#include "api/concurrency_limiter.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/quick_jobs.h"
#include "connect/connector.h"
#include "domain/id.h"
#include "domain/sealed.h"
#include "log/log.h"
#include "store/job_end.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr Seconds authorization_lasts = 600;
constexpr int authorizations_per_hour = 20, publications_per_hour = 30;
constexpr int exchanges_at_a_time = 2;  // each waits for another service, and handlers are few
constexpr std::array visibilities{"private", "unlisted", "public"};
/// Those that all platforms know by these names.
constexpr std::array genres{"Pop",       "Rock",  "Electronic", "Hip-Hop/Rap", "R&B/Soul", "Folk",  "Country",  "Jazz",
                            "Classical", "Latin", "Metal",      "Blues",       "Reggae",   "World", "Acoustic", "Soundtrack"};

ConcurrencyLimiter& exchanges() {
  static ConcurrencyLimiter limiter(exchanges_at_a_time, exchanges_at_a_time);
  return limiter;
}

std::unique_ptr<Connector> require_connector(const Context& context, const std::string& id) {
  for (auto& connector : make_connectors(context.config))
    if (connector->id() == id) {
      if (connector->configured()) return std::move(connector);
      throw ServiceError(409, "not_configured",
                         fmt::format("This service is not registered at {}; its operator can do that.", connector->title()));
    }
  throw ServiceError(404, "no_such_platform", "There is no such platform here.");
}

std::string redirect_of(const Context& context, const std::string& platform) {
  return fmt::format("{}/app/connected/{}", context.config.base_url(), platform);
}

// ---- platforms and connections ----

json connection_view(const std::optional<Connection>& connection) {
  if (!connection) return nullptr;
  return {{"name", connection->name}, {"broken", connection->broken}, {"created", connection->created}};
}

Response list_platforms(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json all = json::array();
  context.store.read([&](Transaction& transaction) {
    for (const auto& connector : make_connectors(context.config))
      all.push_back({{"id", connector->id()},
                     {"title", connector->title()},
                     {"kind", "upload"},
                     {"takes", connector->takes_video() ? "video" : "audio"},
                     {"configured", connector->configured()},
                     {"connection", connection_view(transaction.releases().connection_to(account.id, connector->id()))}});
  });
  for (const LinkedPlatform& platform : linked_platforms())
    all.push_back({{"id", platform.id},
                   {"title", platform.title},
                   {"kind", "link"},
                   {"takes", nullptr},
                   {"configured", true},
                   {"connection", nullptr}});
  return json_response(200, {{"platforms", all}, {"genres", genres}});
}

/// Begins an authorization: where the browser is to go. What comes back is good once, for ten minutes, for this session only: nobody can
/// have another's browser finish what he began.
Response post_connection(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  const std::string platform = request.params.at("id");
  const auto connector = require_connector(context, platform);
  const auto session = find_session(context, request);
  limit_rate(context, "authorization", account.id, authorizations_per_hour, 3600);
  const std::string state = new_secret(), verifier = new_secret();
  Authorization authorization;
  authorization.state_hash = hash_secret(state);
  authorization.account = account.id;
  authorization.session = session.value().id;
  authorization.platform = platform;
  authorization.verifier = seal(context.config.token_keys, "verifier:" + authorization.state_hash, verifier);
  authorization.expires = context.clock.now() + authorization_lasts;
  context.store.write([&](Transaction& transaction) { transaction.releases().add_authorization(authorization, context.clock.now()); });
  return json_response(201, {{"url", connector->authorize_url(redirect_of(context, platform), state, pkce_challenge(verifier))}});
}

[[noreturn]] void fail_wrong_state() {
  throw ServiceError(403, "wrong_state", "This answer belongs to no connection that was begun here; start again from the song's page.");
}

Response put_connection(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  const std::string platform = request.params.at("id");
  JsonBody body(request, {"code", "state"});
  const std::string code = body.text("code", 1, 4000), state = body.text("state", 1, 200);
  const auto connector = require_connector(context, platform);
  std::optional<Authorization> authorization;
  context.store.write([&](Transaction& transaction) {
    authorization = transaction.releases().consume_authorization(hash_secret(state), context.clock.now());
  });
  const auto session = find_session(context, request);
  if (!authorization || authorization->account != account.id || authorization->platform != platform || !session ||
      authorization->session != session->id)
    fail_wrong_state();
  const auto verifier = unseal(context.config.token_keys, "verifier:" + authorization->state_hash, authorization->verifier);
  if (!verifier) fail_wrong_state();
  Connection connection;
  try {
    const auto slot = exchanges().enter();
    PlatformTokens tokens = connector->exchange(code, *verifier, redirect_of(context, platform), context.clock.now());
    const PlatformUser user = connector->user_of(tokens);
    tokens.user = user.id;
    connection.name = user.name.substr(0, 200);
    connection.tokens = tokens.sealed(context.config.token_keys, account.id, platform);
  } catch (const PlatformError& error) {
    throw ServiceError(502, "platform",
                       error.kind() == PlatformError::Kind::refused
                           ? error.what()
                           : fmt::format("{} did not complete the connection; try again.", connector->title()));
  }
  connection.id = new_id();
  connection.account = account.id;
  connection.platform = platform;
  connection.created = context.clock.now();
  context.store.write([&](Transaction& transaction) { transaction.releases().set_connection(connection); });
  return json_response(200, connection_view(connection));
}

Response delete_connection(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  context.store.write([&](Transaction& transaction) {
    const auto found = transaction.releases().connection_to(account.id, request.params.at("id"));
    if (!found) throw ServiceError(404, "not_connected", "There is no such connection.");
    transaction.releases().erase_connection(found->id);
  });
  return empty_response();
}

// ---- publications ----

json view(const Publication& publication) {
  return {{"id", publication.id},
          {"platform", publication.platform},
          {"state", name_of(publication.state)},
          {"url", or_null(publication.url)},
          {"note", or_null(publication.note)},
          {"failure", or_null(publication.failure)},
          {"created", publication.created},
          {"changed", publication.changed}};
}

Response list_publications(const Context& context, const Request& request) {
  const Song song = require_song(context, require_member(context, request), request.params.at("id"));
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Publication& publication : transaction.releases().publications_of(song.id)) list.push_back(view(publication));
  });
}

/// Keeps the link to the song at a platform that only distributors deliver to.
Response keep_link(const Context& context, const Account& account, const Song& song, const LinkedPlatform& platform, JsonBody& body) {
  const std::string url = body.text("url", 1, 500);
  body.finish();
  if (!is_link_to(platform, url))
    fail_field("url", fmt::format("this is no address of {}; it begins with https://{}/.", platform.title, platform.hosts.front()));
  Publication publication;
  context.store.write([&](Transaction& transaction) {
    if (const auto before = transaction.releases().publication_of(song.id, platform.id)) publication = *before;
    publication.url = url;
    publication.changed = context.clock.now();
    if (!publication.id.empty()) return transaction.releases().update_publication(publication);
    publication.id = new_id();
    publication.account = account.id;
    publication.song = song.id;
    publication.platform = platform.id;
    publication.state = Publication::State::linked;
    publication.created = publication.changed;
    transaction.releases().add_publication(publication);
  });
  return json_response(201, view(publication));
}

template <std::size_t n>
std::string chosen_of(JsonBody& body, const char* name, const std::array<const char*, n>& choices) {
  const std::string value = body.text(name, 1, 32);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    fail_field(name, fmt::format("this is one of {}.", fmt::join(choices, ", ")));
  return value;
}

json read_form(JsonBody& body, const Song& song, bool takes_video) {
  const MixLevels levels = body.mix_levels();
  json form = {{"title", body.text("title", 1, 100)},
               {"artist", body.text("artist", 1, 100)},
               {"description", body.has("description") ? body.long_text("description", 0, 2000) : ""},
               {"genre", chosen_of(body, "genre", genres)},
               {"visibility", chosen_of(body, "visibility", visibilities)},
               {"wet", levels.wet},
               {"level_db", levels.level_db},
               {"music_db", levels.music_db},
               {"seconds", song.duration_s}};
  if (takes_video) form["video"] = body.text("video", 1, 64);
  if (!body.optional_flag("rights_confirmed").value_or(false)) fail_field("rights_confirmed", "confirm that you may publish this.");
  body.finish();
  return form;
}

Job publish_job(const Context& context, const Publication& publication, bool remove) {
  Job job;
  job.id = new_id();
  job.account = publication.account;
  job.kind = Job::Kind::publish;
  job.song = publication.song;
  job.created = context.clock.now();
  job.parameters = json{{"publication", publication.id}, {"remove", remove}}.dump();
  return job;
}

/// To the account there that the publication is at, if it is at one.
void require_connected(const Context& context, Transaction& transaction, const Connector& connector, const Publication& publication) {
  const auto connection = transaction.releases().connection_to(publication.account, connector.id());
  const auto tokens = connection && !connection->broken ? PlatformTokens::unsealed(context.config.token_keys, connection->account,
                                                                                   connection->platform, connection->tokens)
                                                        : std::nullopt;
  if (!tokens) throw ServiceError(409, "not_connected", fmt::format("Connect your {} account first.", connector.title()));
  try {
    connector.require_same({publication.remote_user, publication.remote_name}, *tokens);
  } catch (const PlatformError& error) {
    throw ServiceError(409, "other_account", error.what());
  }
}

Response post_publication(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Song song = require_song(context, account, request.params.at("id"));
  JsonBody body(request);
  const std::string platform = body.text("platform", 1, 32);
  for (const LinkedPlatform& linked : linked_platforms())
    if (linked.id == platform) return keep_link(context, account, song, linked, body);
  const auto connector = require_connector(context, platform);
  if (song.preview) throw ServiceError(409, "preview", "This is a preview; publish whole songs.");
  const json form = read_form(body, song, connector->takes_video());
  limit_rate(context, "publication", account.id, publications_per_hour, 3600);
  Publication publication;
  context.store.write([&](Transaction& transaction) {
    const auto before = transaction.releases().publication_of(song.id, platform);
    // One that failed goes on under its own mark: what had arrived there is found, not sent again.
    const bool again = before && before->state == Publication::State::failed;
    publication = again ? *before : Publication{};
    publication.account = account.id;
    require_connected(context, transaction, *connector, publication);
    if (form.contains("video")) {
      const auto video = transaction.jobs().find(form.at("video"));
      if (!video || video->account != account.id || video->kind != Job::Kind::video || video->song != song.id || made_blob(*video).empty())
        fail_field("video", "there is no such video of this song; make one first.");
    }
    publication.state = Publication::State::queued;
    publication.form = form.dump();
    publication.failure.clear();
    publication.changed = context.clock.now();
    if (again) {
      transaction.releases().update_publication(publication);
    } else {
      publication.id = new_id();
      publication.song = song.id;
      publication.platform = platform;
      publication.created = publication.changed;
      transaction.releases().add_publication(publication);
    }
    Job job = publish_job(context, publication, false);
    add_quick_job(context, transaction, job, false);
  });
  return json_response(201, view(publication));
}

/// Takes a publication down where there is an API for it; forgets a link, and what is not there.
Response delete_publication(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.write([&](Transaction& transaction) {
    Publication publication = owned(transaction.releases().find_publication(request.params.at("id")), account, "no_such_publication",
                                    "There is no such publication.");
    using State = Publication::State;
    switch (publication.state) {
      case State::linked:
      case State::removed: transaction.releases().erase_publication(publication.id); return;
      case State::failed:
        if (!publication.remote_user.empty())
          throw ServiceError(409, "perhaps_there", "It was sent, so it may be there: try again, then take it down.");
        transaction.releases().erase_publication(publication.id);
        return;
      case State::published: break;
      default: throw ServiceError(409, "on_its_way", "This is on its way; wait until it is done.");
    }
    require_connected(context, transaction, *require_connector(context, publication.platform), publication);
    publication.state = State::removing;
    publication.failure.clear();
    publication.changed = context.clock.now();
    transaction.releases().update_publication(publication);
    Job job = publish_job(context, publication, true);
    add_quick_job(context, transaction, job, false);
    answer = view(publication);
  });
  return answer.is_null() ? empty_response() : json_response(202, answer);
}

}  // namespace

void add_publication_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/platforms", list_platforms);
  add_route(router, context, Method::post, "/platforms/{id}/connection", post_connection);
  add_route(router, context, Method::put, "/platforms/{id}/connection", put_connection);
  add_route(router, context, Method::del, "/platforms/{id}/connection", delete_connection);
  add_route(router, context, Method::get, "/songs/{id}/publications", list_publications);
  add_route(router, context, Method::post, "/songs/{id}/publications", post_publication);
  add_route(router, context, Method::del, "/publications/{id}", delete_publication);
}

}  // namespace webwrap
