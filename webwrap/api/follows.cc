#include "api/follows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/artists.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/html.h"
#include "api/json_body.h"
#include "domain/email.h"
#include "domain/id.h"
#include "log/log.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

/// Nobody learns whom an address follows: every answer to a stranger is the same, artists see a number, and only who opened the link in a
/// mail, or is signed in with a confirmed address, sees anything.

constexpr Seconds confirm_max_age = 3 * day;
constexpr int mails_per_address = 3, requests_per_hour = 20, links_per_hour = 60, max_follows = 500;
constexpr int requests_of_a_site = 60, requests_of_all = 600;  // an hour

bool has_known_address(const std::optional<Account>& account) {
  return account && account->kind == AccountKind::member && account->email_verified;
}

/// The mailbox that many servers put mail to "ann+anything@example.org" into.
std::string without_tag(const std::string& email) {
  const std::size_t plus = email.find('+'), at = email.rfind('@');
  return plus == 0 || plus >= at ? email : email.substr(0, plus) + email.substr(at);
}

/// Someone asks that news go to an address: a mail asks its owner first. Of what an artist wrote only the handle stands in it, in the
/// text: a name is any text, which would be sent to any address.
void ask(const Context& context, const Request& request, const Artist& artist, const std::string& email) {
  limit_rate(context, "follow", address_of(request), requests_per_hour, hour);
  limit_rate(context, "follow_site", http::site_of(request.client), requests_of_a_site, hour);
  limit_rate(context, "follow_all", "", requests_of_all, hour);
  const std::string secret = new_secret();
  const Seconds now = context.clock.now();
  bool send = false;
  context.store.write([&](Transaction& transaction) {
    // Silent past the limit, as for password resets: an answer must not tell of an address, and nobody is to be flooded.
    if (!transaction.accounts().within_limit("follow_mail", hash_secret(without_tag(email)), mails_per_address, day, now)) return;
    send = transaction.follows().add({new_id(), artist.account, email, hash_secret(secret), now + confirm_max_age, now});
  });
  if (!send) return;
  try {
    context.mailer.send({email, "Confirm that you follow an artist on voxconv",
                         fmt::format("Someone, hopefully you, asked us to tell you of new songs by @{}.\n\nConfirm it here within three "
                                     "days:\n{}/follow/confirm/{}\n\nIf it was not you, do nothing: you will hear nothing more.\n",
                                     artist.handle, context.config.base_url(), secret),
                         "", true});
  } catch (const std::exception& error) {
    log(Level::error, "mail failed", {{"error", error.what()}});
  }
}

/// A member whose address is confirmed already needs no mail.
void follow_as(const Context& context, const Account& account, const Artist& artist) {
  const Seconds now = context.clock.now();
  context.store.write([&](Transaction& transaction) {
    if (transaction.follows().list(account.email, max_follows + 1).size() > max_follows)
      throw ServiceError(409, "too_many_follows", fmt::format("You follow {} artists already: stop following one first.", max_follows));
    transaction.follows().add({new_id(), artist.account, account.email, "", 0, now});
  });
}

void unfollow_as(const Context& context, const Account& account, const Artist& artist) {
  context.store.write([&](Transaction& transaction) {
    if (const auto follow = transaction.follows().find(artist.account, account.email)) transaction.follows().erase(follow->id);
  });
}

Account require_known_address(const Context& context, const Request& request) {
  Account account = require_member(context, request);
  if (!account.email_verified)
    throw ServiceError(403, "email_not_verified", "Confirm your e-mail address first: open the link in the mail that we sent you.");
  return account;
}

// ---- JSON ----

Response post_follow(const Context& context, const Request& request) {
  const Artist artist = require_public_artist(context, request.params.at("handle"));
  JsonBody body(request, {"email"});
  if (const auto given = body.optional_text("email", 1, 254)) {
    const auto email = normal_email(*given);
    if (!email) fail_field("email", "this is not an e-mail address.");
    const auto account = find_account(context, request);
    if (!has_known_address(account) || account->email != *email) {
      ask(context, request, artist, *email);
      return json_response(202, {{"confirmed", false}});
    }
  }
  follow_as(context, require_known_address(context, request), artist);
  return json_response(202, {{"confirmed", true}});
}

Response delete_follow(const Context& context, const Request& request) {
  const Account account = require_known_address(context, request);
  unfollow_as(context, account, require_public_artist(context, request.params.at("handle")));
  return empty_response();
}

Response list_follows(const Context& context, const Request& request) {
  const Account account = require_known_address(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Follow& follow : transaction.follows().list(account.email, max_follows)) {
      const auto artist = transaction.artists().find(follow.artist);
      if (artist && !artist->hidden)
        list.push_back({{"handle", artist->handle}, {"name", artist->name}, {"url", artist_url(context.config, *artist)}});
    }
  });
}

// ---- pages ----

Response form_answer(const Artist& artist, const std::string& title, const std::string& html) {
  return message_page(200, title, html + fmt::format("<p><a class=\"button\" href=\"/a/{0}\">Back to @{0}</a></p>\n", artist.handle));
}

std::string field_of(const Request& request, const char* name) {
  const auto fields = http::parse_query(request.body).value_or(std::map<std::string, std::string>());
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

/// An error of a form that people fill in, as a page.
template <class Work>
Response as_page(Work work) {
  try {
    return work();
  } catch (const ServiceError& error) {
    if (error.status() >= 500) throw;
    return message_page(error.status(), "That did not work", fmt::format("<p>{}</p>\n", escape_html(error.what())));
  }
}

Response submit_follow(const Context& context, const Request& request) {
  require_own_site(context, request);
  const Artist artist = require_public_artist(context, request.params.at("handle"));
  const auto account = find_account(context, request);
  const std::string given = field_of(request, "email");
  if (given.empty() && has_known_address(account)) {
    follow_as(context, *account, artist);
    return form_answer(artist, "You follow @" + artist.handle, "<p>A mail tells you when a song comes out.</p>\n");
  }
  const auto email = normal_email(given);
  if (!email) throw ServiceError(422, "invalid", "This is not an e-mail address.");
  ask(context, request, artist, *email);
  return form_answer(artist, "Look into your mail",
                     "<p>We sent a link to this address, if it does not follow already. Open it, and a mail tells you when a song comes "
                     "out.</p>\n");
}

Response submit_unfollow(const Context& context, const Request& request) {
  require_own_site(context, request);
  const Artist artist = require_public_artist(context, request.params.at("handle"));
  unfollow_as(context, require_known_address(context, request), artist);
  return form_answer(artist, "You do not follow @" + artist.handle + " any more", "<p>No more mails about this artist.</p>\n");
}

Response dead_link() {
  return message_page(404, "This link does not work",
                      "<p>It was used already, or has run out. On the artist's page you can follow again.</p>\n");
}

/// A page with one button: programs that look at the links in mails press none.
Response button_page(const std::string& title, const std::string& text, const std::string& button) {
  return message_page(
      200, title,
      fmt::format("<p>{}</p>\n<form method=\"post\"><p><button class=\"button primary\">{}</button></p></form>\n", text, button));
}

Response show_confirm(const Context& context, const Request& request) {
  limit_rate(context, "link", address_of(request), links_per_hour, hour);
  std::optional<Artist> artist;
  context.store.read([&](Transaction& transaction) {
    const auto follow = transaction.follows().find_by_token(hash_secret(request.params.at("token")), context.clock.now());
    if (follow) artist = transaction.artists().find(follow->artist);
  });
  if (!artist || artist->hidden) return dead_link();
  return button_page("Follow @" + artist->handle + "?",
                     fmt::format("A mail tells you when {} has a new song, and each has a link that ends it.", isolated(artist->name)),
                     "Yes, tell me");
}

Response confirm(const Context& context, const Request& request) {
  limit_rate(context, "link", address_of(request), links_per_hour, hour);
  std::optional<Artist> artist;
  context.store.write([&](Transaction& transaction) {
    const auto follow = transaction.follows().find_by_token(hash_secret(request.params.at("token")), context.clock.now());
    if (!follow) return;
    artist = transaction.artists().find(follow->artist);
    transaction.follows().confirm(follow->id);
  });
  if (!artist) return dead_link();
  return form_answer(*artist, "You follow @" + artist->handle, "<p>A mail tells you when a song comes out.</p>\n");
}

Response show_stop(const Context& context, const Request& request) {
  limit_rate(context, "link", address_of(request), links_per_hour, hour);
  std::optional<Artist> artist;
  context.store.read([&](Transaction& transaction) {
    const auto follow = transaction.follows().find(request.params.at("id"));
    if (follow) artist = transaction.artists().find(follow->artist);
  });
  if (!artist) return message_page(200, "No more mails", "<p>You hear nothing more of this artist.</p>\n");
  return button_page("Stop the mails?", fmt::format("You will hear nothing more of new songs by @{}.", artist->handle), "Stop them");
}

/// Also for mail programs, which press the button by themselves (RFC 8058): they send no Origin, and the address is the secret.
Response stop(const Context& context, const Request& request) {
  context.store.write([&](Transaction& transaction) { transaction.follows().erase(request.params.at("id")); });
  return message_page(200, "No more mails", "<p>You hear nothing more of this artist.</p>\n");
}

}  // namespace

std::string follow_form(Transaction& transaction, const Artist& artist, const std::optional<Account>& visitor) {
  if (visitor && visitor->id == artist.account)
    return "<p class=\"row\"><a class=\"button\" href=\"/app/artist\">Change your page</a></p>\n";
  if (!has_known_address(visitor))
    return fmt::format(
        "<form class=\"follow\" method=\"post\" action=\"/a/{0}/follow\">\n<label for=\"follow-email\">Hear of new songs by mail</label>\n"
        "<div class=\"row\"><input id=\"follow-email\" type=\"email\" name=\"email\" required maxlength=\"254\" autocomplete=\"email\" "
        "placeholder=\"you@example.org\">\n<button class=\"button primary\">Follow</button></div>\n</form>\n",
        artist.handle);
  const auto follow = transaction.follows().find(artist.account, visitor->email);
  const bool follows = follow && follow->token_hash.empty();
  return fmt::format("<form class=\"follow\" method=\"post\" action=\"/a/{}/{}\"><button class=\"button{}\">{}</button></form>\n",
                     artist.handle, follows ? "unfollow" : "follow", follows ? "" : " primary", follows ? "Stop following" : "Follow");
}

void clean_up_follows(const Context& context) {
  context.store.write([&](Transaction& transaction) { transaction.follows().erase_expired(context.clock.now()); });
}

void add_follow_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/artists/{handle}/follow", post_follow);
  add_route(router, context, Method::del, "/artists/{handle}/follow", delete_follow);
  add_route(router, context, Method::get, "/follows", list_follows);
  const auto add_page = [&](Method method, const std::string& pattern, ContextHandler handler) {
    router.add(method, pattern, [&context, handler](const Request& request) { return as_page([&] { return handler(context, request); }); });
  };
  add_page(Method::post, "/a/{handle}/follow", submit_follow);
  add_page(Method::post, "/a/{handle}/unfollow", submit_unfollow);
  add_page(Method::get, "/follow/confirm/{token}", show_confirm);
  add_page(Method::post, "/follow/confirm/{token}", confirm);
  add_page(Method::get, "/follow/stop/{id}", show_stop);
  add_page(Method::post, "/follow/stop/{id}", stop);
}

}  // namespace webwrap
