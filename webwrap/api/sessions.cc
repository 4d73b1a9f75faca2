#include <nlohmann/json.hpp>

#include "api/accounts.h"
#include "api/auth.h"
#include "api/context.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/passwords.h"
#include "domain/email.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/password.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_tokens = 20;
constexpr const char* token_prefix = "vxc_";  // so that scanners find tokens that were published by mistake

/// Guessing is limited per address, per e-mail, and per both: the last is the tightest, so that nobody is easily shut out by others'
/// guesses. All count before it is known whether there is such an account. Whoever guesses from many addresses still uses up the limit of
/// an e-mail address, so a browser in which its owner logged in before, or chose a new password, is counted by itself.
void limit_log_ins(const Context& context, const Request& request, const std::string& email, const std::optional<Account>& account) {
  if (const std::string device = account ? find_device(context, request, *account) : ""; !device.empty())
    return limit_rate(context, "login_device", device, 10, 15 * 60);
  const std::string address = address_of(request), name = hash_secret(email);
  limit_rate(context, "login_address", address, 60, 15 * 60);
  limit_rate(context, "login_pair", address + " " + name, 10, 15 * 60);
  limit_rate(context, "login_email", name, 50, 3600,
             "You can log in at once where you were signed in before, or after asking for a new password.");
}

/// Renews a hash of older limits, and merges the guest of the request's session into the account.
void update_after_log_in(const Context& context, const Account& account, const std::string& password,
                         const std::optional<Account>& before) {
  const bool is_guest = before && before->kind == AccountKind::guest, outdated = is_outdated(account.password_hash);
  if (!is_guest && !outdated) return;
  const std::string hash = outdated ? hash_password(password) : account.password_hash;
  context.store.write([&](Transaction& transaction) {
    auto now = transaction.accounts().find(account.id);
    if (!now) return;
    if (outdated && now->password_hash == account.password_hash) {
      now->password_hash = hash;
      transaction.accounts().update(*now);
    }
    if (is_guest) merge_guest(transaction, *before, *now, context.clock.now());
  });
}

Response log_in(const Context& context, const Request& request) {
  JsonBody body(request, {"email", "password"});
  const auto email = normal_email(body.text("email", 1, 254));
  if (!email) fail_field("email", "this is not an e-mail address.");
  const std::string password = body.secret("password", max_password_length);
  const std::optional<Account> before = find_account(context, request);
  std::optional<Account> account;
  context.store.read([&](Transaction& transaction) { account = transaction.accounts().find_by_email(*email); });
  limit_log_ins(context, request, *email, account);
  if (!check_password(account ? account->password_hash : "", password))
    throw ServiceError(401, "wrong_credentials", "The e-mail address or the password is wrong.");
  update_after_log_in(context, *account, password, before);
  Response response = account_response(context.store, 201, *account);
  start_session(context, request, *account, response);
  remember_device(context, request, *account, response);
  return response;
}

Response list_sessions(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  const std::optional<Session> current = find_session(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Session& session : transaction.accounts().sessions(account.id))
      if (!is_expired(session, context.clock.now()))
        list.push_back({{"id", session.id},
                        {"user_agent", session.user_agent},
                        {"created", session.created},
                        {"last_seen", session.last_seen},
                        {"current", current && current->id == session.id}});
  });
}

Response log_out(const Context& context, const Request& request) {
  Response response = empty_response();
  end_session(context, request, response);
  return response;
}

Response log_out_everywhere(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  context.store.write([&](Transaction& transaction) { transaction.accounts().erase_sessions(account.id); });
  Response response = empty_response();
  clear_session_cookie(context, response);
  return response;
}

json token_view(const ApiToken& token) {
  return {{"id", token.id}, {"name", token.name}, {"created", token.created}, {"last_used", token.last_used}};
}

Response list_tokens(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const ApiToken& token : transaction.accounts().tokens(account.id)) list.push_back(token_view(token));
  });
}

Response add_token(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  ApiToken token;
  token.name = JsonBody(request, {"name"}).text("name", 1, 60);
  const std::string secret = token_prefix + new_secret();
  token.token_hash = hash_secret(secret);
  token.id = new_id();
  token.account = account.id;
  token.created = context.clock.now();
  context.store.write([&](Transaction& transaction) {
    if (transaction.accounts().tokens(account.id).size() >= max_tokens)
      throw ServiceError(409, "too_many_tokens", "There are 20 API tokens already: delete one first.");
    transaction.accounts().add_token(token);
  });
  json view = token_view(token);
  view["token"] = secret;
  return json_response(201, view);
}

Response delete_token(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  bool erased = false;
  context.store.write([&](Transaction& transaction) { erased = transaction.accounts().erase_token(account.id, request.params.at("id")); });
  if (!erased) throw ServiceError(404, "no_such_token", "You have no such API token.");
  return empty_response();
}

}  // namespace

void add_session_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/sessions", log_in);
  add_route(router, context, Method::get, "/sessions", list_sessions);
  add_route(router, context, Method::del, "/sessions/current", log_out);
  add_route(router, context, Method::del, "/sessions", log_out_everywhere);
  add_route(router, context, Method::get, "/tokens", list_tokens);
  add_route(router, context, Method::post, "/tokens", add_token);
  add_route(router, context, Method::del, "/tokens/{id}", delete_token);
}

}  // namespace webwrap
