#include "api/mail_links.h"

#include <fmt/format.h>

#include "api/accounts.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/passwords.h"
#include "domain/email.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/password.h"
#include "log/log.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr Seconds verification_max_age = 3 * day, reset_max_age = hour;

/// Mail that cannot be sent now is no reason to refuse what was asked for: all of it can be asked for again.
void send(const Context& context, const std::string& to, const std::string& subject, const std::string& text) {
  try {
    context.mailer.send({to, subject, text});
  } catch (const std::exception& error) {
    log(Level::error, "mail failed", {{"subject", subject}, {"error", error.what()}});
  }
}

/// A new link's secret; the account's older links for this purpose no longer work.
std::string new_link(Transaction& transaction, const Account& account, const std::string& purpose, Seconds expires) {
  const std::string secret = new_secret();
  transaction.accounts().erase_mail_tokens(account.id, purpose);
  transaction.accounts().add_mail_token({hash_secret(secret), purpose, account.id, expires});
  return secret;
}

/// The account of a link, which works once.
Account consume_link(const Context& context, Transaction& transaction, const std::string& secret, const std::string& purpose) {
  const auto link = transaction.accounts().consume_mail_token(hash_secret(secret), purpose, context.clock.now());
  auto account = link ? transaction.accounts().find(link->account) : std::nullopt;
  if (!account) throw ServiceError(422, "invalid_token", "The token of this link was used already or has run out: ask for a new link.");
  return *std::move(account);
}

Response verify(const Context& context, const Request& request) {
  const std::string token = JsonBody(request, {"token"}).text("token", 1, 128);
  limit_rate(context, "link", address_of(request), 60, hour);
  context.store.write([&](Transaction& transaction) {
    Account account = consume_link(context, transaction, token, "verify");
    account.email_verified = true;
    transaction.accounts().update(account);
    grant_free_credits(transaction, context.config, account, context.clock.now());
  });
  return empty_response();
}

/// Answers the same, after the same work, whether there is such an account or not: one transaction that writes, and no waiting for the
/// mail.
Response request_reset(const Context& context, const Request& request) {
  const auto email = normal_email(JsonBody(request, {"email"}).text("email", 1, 254));
  if (!email) fail_field("email", "this is not an e-mail address.");
  limit_rate(context, "reset", address_of(request), 20, hour);
  std::string secret;
  context.store.write([&](Transaction& transaction) {
    const Seconds now = context.clock.now();
    const auto account = transaction.accounts().find_by_email(*email);
    // Silent past the limit: 429 for an address would not tell whether it has an account, but a full mailbox helps nobody.
    const bool within = transaction.accounts().within_limit("reset_mail", hash_secret(*email), 3, hour, now);
    if (account && within) secret = new_link(transaction, *account, "reset", now + reset_max_age);
  });
  if (!secret.empty())
    send(context, *email, "Choose a new voxconv password",
         fmt::format("Someone, hopefully you, asked for a new password for your voxconv account.\n\nChoose it here within an hour:\n{}\n\n"
                     "If it was not you, do nothing: your password stays as it is.\n",
                     context.config.base_url() + "/app/reset?token=" + secret));
  Response response = empty_response();
  response.status = 202;
  return response;
}

/// Revokes all that the old password gave access to: sessions, API tokens and known browsers, except this one, in which the owner can log
/// in whatever limits strangers have used up. The link came by mail, so the address is verified.
Response confirm_reset(const Context& context, const Request& request) {
  JsonBody body(request, {"token", "password"});
  const std::string token = body.text("token", 1, 128), password = body.secret("password", max_password_length);
  limit_rate(context, "link", address_of(request), 60, hour);
  if (const std::string trouble = password_problem(password, ""); !trouble.empty()) fail_field("password", trouble);
  const std::string hash = hash_password(password);
  Account account;
  context.store.write([&](Transaction& transaction) {
    account = consume_link(context, transaction, token, "reset");
    // Undoes the taking: the link still works for a better password.
    if (const std::string trouble = password_problem(password, account.email); !trouble.empty()) fail_field("password", trouble);
    account.password_hash = hash;
    account.email_verified = true;
    transaction.accounts().update(account);
    grant_free_credits(transaction, context.config, account, context.clock.now());
    transaction.accounts().erase_sessions(account.id);
    transaction.accounts().erase_devices(account.id);
    for (const ApiToken& api_token : transaction.accounts().tokens(account.id))
      transaction.accounts().erase_token(account.id, api_token.id);
    // The guesses so far were at another password; the link may have been opened in another browser than the one to log in with.
    transaction.accounts().forget_limit("login_email", hash_secret(account.email));
  });
  send_password_notice(context, account.email, "by a link from your mail. You are signed out everywhere, and API tokens no longer work");
  Response response = empty_response();
  remember_device(context, request, account, response);
  return response;
}

}  // namespace

void send_verification(const Context& context, const Account& account) {
  std::string secret;
  context.store.write(
      [&](Transaction& transaction) { secret = new_link(transaction, account, "verify", context.clock.now() + verification_max_age); });
  send(
      context, account.email, "Confirm your e-mail address for voxconv",
      fmt::format("Welcome to voxconv! Confirm that this address is yours{}:\n{}\n\nThe link works for three days. If you did not sign up, "
                  "do nothing.\n",
                  context.config.free_credits > 0 ? ", and your free credits are there" : "",
                  context.config.base_url() + "/app/verify?token=" + secret));
}

void send_password_notice(const Context& context, const std::string& email, const std::string& how) {
  send(context, email, "Your voxconv password was changed",
       fmt::format("Your voxconv password was changed {}.\n\nIf it was not you, ask for a new password at once: {}/app/reset\n", how,
                   context.config.base_url()));
}

void send_email_taken_notice(const Context& context, const std::string& email) {
  bool within = false;
  context.store.write([&](Transaction& transaction) {
    within = transaction.accounts().within_limit("taken_mail", hash_secret(email), 1, day, context.clock.now());
  });
  if (!within) return;
  send(context, email, "You have a voxconv account already",
       fmt::format(
           "Someone, perhaps you, tried to sign up at voxconv with this address, but it has an account already.\n\nLog in: {0}/app/login\n"
           "Forgot the password? {0}/app/reset\n",
           context.config.base_url()));
}

void add_mail_link_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/verifications", verify);
  add_route(router, context, Method::post, "/password-resets", request_reset);
  add_route(router, context, Method::post, "/password-resets/confirm", confirm_reset);
}

}  // namespace webwrap
