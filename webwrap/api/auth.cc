#include "api/auth.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domain/error.h"
#include "domain/id.h"
#include "domain/text.h"
#include "http/message.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr Seconds touch_every = 60;  // polling pages must not write at every request
constexpr std::size_t max_sessions = 50;
constexpr std::size_t max_user_agent = 300;

bool is_plain_http(const Context& context) { return context.config.base_url().starts_with("http://"); }
std::string cookie_name(const Context& context, const char* name) { return (is_plain_http(context) ? "" : "__Host-") + std::string(name); }
constexpr const char *session_cookie = "sid", *device_cookie = "device";
constexpr Seconds device_max_age = 365 * 24 * 3600;

[[noreturn]] void fail_cross_site() {
  throw ServiceError(403, "cross_site",
                     "This request does not come from a page of this service. Scripts should send an API token instead of a cookie.");
}

void set_cookie(const Context& context, Response& response, const char* name, const std::string& value, Seconds max_age) {
  response.headers.emplace_back("Set-Cookie", fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", cookie_name(context, name),
                                                          value, max_age, is_plain_http(context) ? "" : "; Secure"));
}

std::string cookie_of(const Context& context, const Request& request, const char* name = session_cookie) {
  const auto found = request.cookies.find(cookie_name(context, name));
  return found == request.cookies.end() ? std::string() : found->second;
}

/// The host of "name:port" or "[address]:port".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, std::min(authority.find(']'), authority.size()) - 1);
  return authority.substr(0, authority.find(':'));
}

/// Whether only who runs the network can give this name to a machine.
bool is_private_name(const std::string& host) {
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return true;
  if (host.empty() || host.find('.') == std::string::npos) return !host.empty();
  constexpr std::array<std::string_view, 6> endings = {".localhost", ".local", ".lan", ".home", ".internal", ".home.arpa"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return host.ends_with(ending); });
}

/// The origin is the address that was asked ("http://192.168.1.20:8080" and "Host: 192.168.1.20:8080").
bool is_asked_host(const std::string& origin, const std::string& host) {
  return !host.empty() && (origin == "http://" + host || origin == "https://" + host);
}

void check_origin(const Context& context, const std::string& origin, const std::string& host) {
  const Config& config = context.config;
  if (origin == lower_case(config.base_url())) return;
  if (!is_asked_host(origin, host)) return fail_cross_site();
  if (config.public_url.empty() && is_private_name(std::string(host_of(host)))) return;
  throw ServiceError(
      403, "wrong_address",
      config.public_url.empty()
          ? fmt::format("This service does not know its name {}: its operator must set \"public_url\" to {}.", host, origin)
          : fmt::format("This service is set up for {}, not for {}: open it there, or its operator must change \"public_url\".",
                        config.base_url(), origin));
}

std::string bearer_of(const Request& request) {
  const std::string header = request.header("authorization");
  constexpr std::string_view scheme = "bearer ";
  const bool bearer = header.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), header.begin(),
                                                                  [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  return bearer ? header.substr(scheme.size()) : std::string();
}

/// Notes when something was last used: no reason to refuse what is asked for where the disk takes no more.
void touch(const Context& context, const std::function<void(Transaction&)>& note) {
  try {
    context.store.write(note);
  } catch (const ServiceError& error) {
    if (error.status() != 507) throw;
  }
}

std::optional<Account> account_of_token(const Context& context, const std::string& secret) {
  const Seconds now = context.clock.now();
  std::optional<ApiToken> token;
  std::optional<Account> account;
  context.store.read([&](Transaction& transaction) {
    token = transaction.accounts().find_token(hash_secret(secret));
    if (token) account = transaction.accounts().find(token->account);
  });
  if (account && now - token->last_used >= touch_every)
    touch(context, [&](Transaction& transaction) { transaction.accounts().touch_token(token->token_hash, now); });
  return account;
}

}  // namespace

void require_own_site(const Context& context, const Request& request) {
  if (request.method == Method::get || request.method == Method::head || request.method == Method::options) return;
  if (!bearer_of(request).empty()) return;
  const std::string site = request.header("sec-fetch-site"), origin = lower_case(request.header("origin"));
  if (!site.empty()) {
    if (site != "same-origin" && site != "none") fail_cross_site();
  } else if (!origin.empty()) {
    check_origin(context, origin, lower_case(request.header("host")));
  } else if (!cookie_of(context, request).empty()) {
    fail_cross_site();
  }
}

bool is_expired(const Session& session, Seconds now) {
  return now - session.last_seen >= session_idle_timeout || now - session.created >= session_max_age;
}

std::optional<Session> find_session(const Context& context, const Request& request) {
  const std::string secret = cookie_of(context, request);
  if (secret.empty()) return std::nullopt;
  std::optional<Session> session;
  context.store.read([&](Transaction& transaction) { session = transaction.accounts().find_session(hash_secret(secret)); });
  if (session && is_expired(*session, context.clock.now())) session.reset();  // start_session clears it away
  return session;
}

std::optional<Account> find_account(const Context& context, const Request& request) {
  // A request with a token is a script's: its cookie, if any, does not count.
  if (const std::string secret = bearer_of(request); !secret.empty()) return account_of_token(context, secret);
  const std::optional<Session> session = find_session(context, request);
  if (!session) return std::nullopt;
  const Seconds now = context.clock.now();
  if (now - session->last_seen >= touch_every)
    touch(context, [&](Transaction& transaction) { transaction.accounts().touch_session(session->token_hash, now); });
  std::optional<Account> account;
  context.store.read([&](Transaction& transaction) { account = transaction.accounts().find(session->account); });
  return account;
}

Account require_account(const Context& context, const Request& request) {
  std::optional<Account> account = find_account(context, request);
  if (!account) throw ServiceError(401, "not_signed_in", "You are not signed in, or your session has ended: log in.");
  return *std::move(account);
}

Account require_member(const Context& context, const Request& request) {
  Account account = require_account(context, request);
  if (account.kind != AccountKind::member) throw ServiceError(403, "members_only", "This needs an account: sign up, or log in.");
  return account;
}

Account require_signed_in_member(const Context& context, const Request& request) {
  Account account = require_member(context, request);
  if (!bearer_of(request).empty())
    throw ServiceError(403, "session_needed", "This cannot be done with an API token: log in on the web site.");
  return account;
}

void start_session(const Context& context, const Request& request, const Account& account, Response& response) {
  const std::string secret = new_secret(), old_secret = cookie_of(context, request);
  const Seconds now = context.clock.now();
  Session session;
  session.token_hash = hash_secret(secret);
  session.id = new_id();
  session.account = account.id;
  session.user_agent = request.header("user-agent").substr(0, max_user_agent);
  session.created = session.last_seen = now;
  context.store.write([&](Transaction& transaction) {
    AccountStore& accounts = transaction.accounts();
    if (!old_secret.empty())
      if (const auto old = accounts.find_session(hash_secret(old_secret))) accounts.erase_session(old->id);
    accounts.add_session(session);
    const std::vector<Session> all = accounts.sessions(account.id);  // newest first
    for (std::size_t i = 0; i < all.size(); ++i)
      if (i >= max_sessions || is_expired(all[i], now)) accounts.erase_session(all[i].id);
  });
  set_cookie(context, response, session_cookie, secret, session_max_age);
}

void end_session(const Context& context, const Request& request, Response& response) {
  if (const std::optional<Session> session = find_session(context, request))
    context.store.write([&](Transaction& transaction) { transaction.accounts().erase_session(session->id); });
  clear_session_cookie(context, response);
}

void clear_session_cookie(const Context& context, Response& response) { set_cookie(context, response, session_cookie, "", 0); }

void remember_device(const Context& context, const Request& request, const Account& account, Response& response) {
  std::string secret = cookie_of(context, request, device_cookie);
  context.store.write([&](Transaction& transaction) {
    AccountStore& accounts = transaction.accounts();
    if (secret.empty() || !accounts.is_device(hash_secret(secret))) secret = new_secret();  // none of ours
    accounts.add_device({hash_secret(secret), account.id, context.clock.now()});
  });
  set_cookie(context, response, device_cookie, secret, device_max_age);
}

std::string find_device(const Context& context, const Request& request, const Account& account) {
  const std::string secret = cookie_of(context, request, device_cookie);
  if (secret.empty()) return {};
  bool known = false;
  context.store.read([&](Transaction& transaction) { known = transaction.accounts().has_device(hash_secret(secret), account.id); });
  return known ? hash_secret(secret) + " " + account.id : std::string();
}

void limit_rate(const Context& context, const std::string& what, const std::string& who, int limit, Seconds window,
                const std::string& advice) {
  bool within = false;
  context.store.write(
      [&](Transaction& transaction) { within = transaction.accounts().within_limit(what, who, limit, window, context.clock.now()); });
  if (within) return;
  const std::string wait = window <= 120    ? "in a minute"
                           : window <= 3600 ? fmt::format("in {} minutes at the latest", window / 60)
                                            : fmt::format("in {} hours at the latest", (window + 3599) / 3600);
  throw ServiceError(429, "too_many_requests",
                     fmt::format("Too many requests of this kind; try again {}.{}{}", wait, advice.empty() ? "" : " ", advice));
}

std::string address_of(const Request& request) { return http::network_of(request.client); }

}  // namespace webwrap
