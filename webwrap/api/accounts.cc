#include <nlohmann/json.hpp>

#include "api/account_data.h"
#include "api/auth.h"
#include "api/context.h"
#include "api/json_body.h"
#include "api/json_views.h"
#include "api/mail_links.h"
#include "api/passwords.h"
#include "api/routes.h"
#include "domain/email.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/password.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr int guests_per_day = 30;  // of one address: many people may share it
constexpr std::size_t max_name = 80;

std::string new_password(JsonBody& body, const std::string& field, const std::string& email) {
  const std::string password = body.secret(field, max_password_length);
  if (const std::string trouble = password_trouble(password, email); !trouble.empty()) fail_field(field, trouble);
  return password;
}

/// The owner's password, asked for again before what cannot be undone.
void require_password(const Context& context, const Account& account, JsonBody& body, const std::string& field) {
  const std::string password = body.secret(field, max_password_length);
  limit_rate(context, "password", account.id, 10, 15 * 60);
  if (!check_password(account.password_hash, password)) throw ServiceError(422, "wrong_password", field + ": this is not your password.");
}

Response add_guest(const Context& context, const Request& request) {
  if (const auto account = find_account(context, request)) return account_response(context.store, 200, *account);
  limit_rate(context, "guest", address_of(request), guests_per_day, day);
  Account guest;
  guest.id = new_id();
  guest.created = context.clock.now();
  context.store.write([&](Transaction& transaction) { transaction.accounts().add(guest); });
  Response response = account_response(context.store, 201, guest);
  start_session(context, request, guest, response);
  return response;
}

/// Makes the account, of the guest who asks if there is one.
Account save_member(const Context& context, const std::optional<Account>& guest, Account member) {
  const Seconds now = context.clock.now();
  member.id = guest ? guest->id : new_id();
  member.created = guest ? guest->created : now;
  context.store.write([&](Transaction& transaction) {
    const auto known = guest ? transaction.accounts().find(guest->id) : std::nullopt;
    if (guest && (!known || known->kind != AccountKind::guest))
      throw ServiceError(409, "already_signed_up", "This guest has become an account meanwhile: log in.");
    if (known) {
      transaction.accounts().update(member);
      transaction.accounts().erase_sessions(member.id);  // what was a guest's must not become a member's
    } else {
      transaction.accounts().add(member);
    }
  });
  return member;
}

/// Sign-up. It signs in at once, so an answer for an address that is taken has to differ, and whoever asks can learn that one address has
/// an account. That is kept dear: an address on the network may try signups_per_day times, taken ones included, and the owner gets a mail.
/// Log-in and password reset, which may be asked more often, tell nothing.
Response sign_up(const Context& context, const Request& request) {
  JsonBody body(request, {"email", "password", "name"});
  const auto email = normal_email(body.text("email", 1, 254));
  if (!email) fail_field("email", "this is not an e-mail address.");
  const std::string password = new_password(body, "password", *email);
  const std::string name = body.optional_text("name", 0, max_name).value_or("");
  const std::optional<Account> current = find_account(context, request);
  if (current && current->kind == AccountKind::member)
    throw ServiceError(409, "already_signed_up", "You are signed in to an account already: log out first.");
  limit_rate(context, "signup", address_of(request), context.config.signups_per_day, day);

  Account member;
  member.kind = AccountKind::member;
  member.email = *email;
  member.name = name;
  member.password_hash = hash_password(password);
  try {
    member = save_member(context, current, member);
  } catch (const ServiceError& error) {
    if (error.code() == "email_taken") send_taken_notice(context, *email);
    throw;
  }
  send_verification(context, member);
  Response response = account_response(context.store, 201, member);
  start_session(context, request, member, response);
  remember_device(context, request, member, response);
  return response;
}

Response show_account(const Context& context, const Request& request) {
  return account_response(context.store, 200, require_account(context, request));
}

Response rename_account(const Context& context, const Request& request) {
  Account account = require_member(context, request);
  const std::string name = JsonBody(request, {"name"}).text("name", 0, max_name);
  context.store.write([&](Transaction& transaction) {
    const auto now = transaction.accounts().find(account.id);
    if (!now) throw ServiceError(401, "not_signed_in", "This account has been deleted.");
    account = *now;
    account.name = name;
    transaction.accounts().update(account);
  });
  return account_response(context.store, 200, account);
}

Response delete_account(const Context& context, const Request& request) {
  const Account account = require_signed_in_member(context, request);
  JsonBody body(request, {"password"});
  require_password(context, account, body, "password");
  remove_account(context, account);
  Response response = empty_response();
  clear_session_cookie(context, response);
  return response;
}

Response export_data(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  limit_rate(context, "export", account.id, 20, hour);
  nlohmann::json data;
  context.store.read([&](Transaction& transaction) { data = export_account(transaction, account); });
  Response response = json_response(200, data);
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"voxconv-account.json\"");
  return response;
}

/// Ends all sessions, and starts a new one for who asks.
Response change_password(const Context& context, const Request& request) {
  Account account = require_signed_in_member(context, request);
  JsonBody body(request, {"current", "new"});
  const std::string password = new_password(body, "new", account.email);
  require_password(context, account, body, "current");
  const std::string hash = hash_password(password);
  context.store.write([&](Transaction& transaction) {
    const auto now = transaction.accounts().find(account.id);
    if (!now || now->password_hash != account.password_hash)
      throw ServiceError(409, "conflict", "The password was changed by someone else meanwhile.");
    account = *now;
    account.password_hash = hash;
    transaction.accounts().update(account);
    transaction.accounts().erase_sessions(account.id);
    transaction.accounts().erase_devices(account.id);
    transaction.accounts().erase_mail_tokens(account.id, "reset");
  });
  send_password_notice(context, account.email, "on your account's page. All other sessions have ended");
  Response response = empty_response();
  start_session(context, request, account, response);
  remember_device(context, request, account, response);
  return response;
}

Response verify_again(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  if (!account.email_verified) {
    limit_rate(context, "verification", account.id, 5, hour);
    send_verification(context, account);
  }
  Response response = empty_response();
  response.status = 202;
  return response;
}

}  // namespace

void add_account_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/guests", add_guest);
  add_route(router, context, Method::post, "/accounts", sign_up);
  add_route(router, context, Method::get, "/account", show_account);
  add_route(router, context, Method::patch, "/account", rename_account);
  add_route(router, context, Method::del, "/account", delete_account);
  add_route(router, context, Method::get, "/account/export", export_data);
  add_route(router, context, Method::post, "/account/password", change_password);
  add_route(router, context, Method::post, "/account/verification", verify_again);
  add_mail_link_routes(router, context);
}

}  // namespace webwrap
