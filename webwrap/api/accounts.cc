#include "api/accounts.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "api/artists.h"
#include "api/auth.h"
#include "api/context.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/mail_links.h"
#include "api/passwords.h"
#include "api/voice_uploads.h"
#include "domain/email.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/password.h"
#include "store/records.h"
#include "store/voice_steps.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int all = std::numeric_limits<int>::max();
constexpr Seconds guest_grace_s = 3600;  // one who is being made has none yet
constexpr int guests_per_cleanup = 100;
constexpr Seconds free_credits_again = 180 * 24 * 3600;

/// JSON that is kept as text.
json parsed(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json export_of(const Recording& recording) {
  return {{"id", recording.id},
          {"name", recording.name},
          {"state", name_of(recording.state)},
          {"failure", recording.failure},
          {"size", recording.size},
          {"received", recording.offset},
          {"duration_s", recording.duration_s},
          {"f0_low", recording.f0_low},
          {"f0_median", recording.f0_median},
          {"f0_high", recording.f0_high},
          {"has_music", recording.has_music},
          {"has_vocals", recording.has_vocals},
          {"stems_bytes", recording.stems_bytes},
          {"backing", recording.backing},
          {"backing_start_s", recording.backing_start_s},
          {"created", recording.created}};
}

json export_of(const Job& job) {
  return {{"id", job.id},
          {"kind", name_of(job.kind)},
          {"state", name_of(job.state)},
          {"recording", job.recording},
          {"song", job.song},
          {"voice", job.voice},
          {"parameters", parsed(job.parameters)},
          {"price", job.price},
          {"failure", job.failure},
          {"created", job.created},
          {"started", job.started},
          {"finished", job.finished}};
}

json export_of(const Song& song, const std::optional<Share>& share, std::int64_t plays) {
  json object = {{"id", song.id},
                 {"title", song.title},
                 {"recording", song.recording},
                 {"job", song.job},
                 {"voice", song.voice},
                 {"voice_title", song.voice_title},
                 {"voice_version", song.voice_version},
                 {"options", parsed(song.options)},
                 {"key", song.key},
                 {"duration_s", song.duration_s},
                 {"preview", song.preview},
                 {"music", !song.music.empty()},
                 {"created", song.created},
                 {"share", nullptr}};
  if (share)
    object["share"] = {{"id", share->id},
                       {"allow_download", share->allow_download},
                       {"taken_down", share->taken_down},
                       {"wet", share->wet},
                       {"level_db", share->level_db},
                       {"music_db", share->music_db},
                       {"visibility", name_of(share->visibility)},
                       {"plays", plays},
                       {"created", share->created}};
  return object;
}

json export_of(const Order& order) {
  return {{"id", order.id},
          {"pack", order.pack},
          {"credits", order.credits},
          {"amount", order.amount},
          {"currency", order.currency},
          {"state", name_of(order.state)},
          {"refunded_amount", order.refunded_amount},
          {"stripe_session", order.session},
          {"stripe_payment_intent", order.payment_intent},
          {"created", order.created}};
}

json export_of(const FanSubscription& subscription) {
  return {{"id", subscription.id},
          {"artist", subscription.artist},
          {"amount", subscription.amount},
          {"currency", subscription.currency},
          {"state", name_of(subscription.state)},
          {"paid_through", subscription.paid_through},
          {"stripe_subscription", subscription.stripe},
          {"created", subscription.created}};
}

json export_of(const FanPayment& payment) {
  return {{"id", payment.id},
          {"kind", name_of(payment.kind)},
          {"artist", payment.artist},
          {"charged", payment.charged},
          {"refunded", payment.refunded},
          {"currency", payment.currency},
          {"state", name_of(payment.state)},
          {"paid", payment.paid}};
}

/// What the account earns: of its fans nothing but what they paid.
json export_of_earnings(Transaction& transaction, const Id& account) {
  EarningStore& earnings = transaction.earnings();
  const auto payout = earnings.payout_account(account);
  json out = {{"stripe_account", payout ? payout->stripe : ""},
              {"tiers", json::array()},
              {"payments", json::array()},
              {"royalties", json::array()},
              {"payouts", json::array()}};
  for (const Tier& tier : earnings.tiers(account))
    out["tiers"].push_back({{"title", tier.title}, {"text", tier.text}, {"amount", tier.amount}, {"currency", tier.currency}});
  for (const FanPayment& one : earnings.payments_of_artist(account, all))
    out["payments"].push_back({{"kind", name_of(one.kind)}, {"charged", one.charged}, {"currency", one.currency}, {"paid", one.paid}});
  for (const Royalty& one : earnings.royalties_of(account, all))
    out["royalties"].push_back({{"voice", one.voice}, {"thousandths", one.amount}, {"currency", one.currency}, {"created", one.created}});
  for (const Payout& one : earnings.payouts_of(account, all))
    out["payouts"].push_back({{"amount", one.amount}, {"currency", one.currency}, {"state", name_of(one.state)}});
  return out;
}

json export_of(const Release& release) {
  return {{"id", release.id}, {"form", parsed(release.form)}, {"created", release.created}, {"changed", release.changed}};
}

/// Without its tokens.
json export_of(const Connection& connection) {
  return {{"platform", connection.platform}, {"name", connection.name}, {"broken", connection.broken}, {"created", connection.created}};
}

json export_of(const Publication& publication) {
  return {{"id", publication.id},
          {"song", publication.song},
          {"platform", publication.platform},
          {"state", name_of(publication.state)},
          {"form", parsed(publication.form)},
          {"remote_user", publication.remote_user},
          {"remote_name", publication.remote_name},
          {"remote_id", publication.remote_id},
          {"url", publication.url},
          {"failure", publication.failure},
          {"created", publication.created},
          {"changed", publication.changed}};
}

std::vector<std::string> blobs_of(Transaction& transaction, const Id& account) {
  std::vector<std::string> prefixes;
  for (const Recording& recording : transaction.recordings().list(account, all)) prefixes.push_back("recordings/" + recording.id + "/");
  for (const Song& song : transaction.songs().list(account, all)) prefixes.push_back("songs/" + song.id + "/");
  prefixes.push_back("artists/" + account + "/");
  for (const OwnVoice& voice : transaction.voices().list(account)) prefixes.push_back("voices/" + voice.id + "/");
  for (const Release& release : transaction.releases().list(account, all)) prefixes.push_back("releases/" + release.id + "/");
  return prefixes;
}

using http::Method;
using http::Request;
using http::Response;

constexpr int guests_per_day = 30;  // of one address: many people may share it
constexpr std::size_t max_name = 80;

std::string new_password(JsonBody& body, const std::string& field, const std::string& email) {
  const std::string password = body.secret(field, max_password_length);
  if (const std::string trouble = password_problem(password, email); !trouble.empty()) fail_field(field, trouble);
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
    if (error.code() == "email_taken") send_email_taken_notice(context, *email);
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

json export_account(Transaction& transaction, const Account& account) {
  json out = {{"account", account_view(transaction, account)}};
  for (const char* list : {"sessions", "devices", "tokens", "recordings", "jobs", "songs", "follows", "voices", "credits", "orders"})
    out[list] = json::array();
  for (const Session& session : transaction.accounts().sessions(account.id))
    out["sessions"].push_back(
        {{"id", session.id}, {"user_agent", session.user_agent}, {"created", session.created}, {"last_seen", session.last_seen}});
  for (const Device& device : transaction.accounts().devices(account.id)) out["devices"].push_back({{"created", device.created}});
  for (const ApiToken& token : transaction.accounts().tokens(account.id))
    out["tokens"].push_back({{"id", token.id}, {"name", token.name}, {"created", token.created}, {"last_used", token.last_used}});
  for (const Recording& recording : transaction.recordings().list(account.id, all)) out["recordings"].push_back(export_of(recording));
  for (const Job& job : transaction.jobs().list(account.id, all)) out["jobs"].push_back(export_of(job));
  for (const Song& song : transaction.songs().list(account.id, all))
    out["songs"].push_back(export_of(song, transaction.songs().share_of(song.id), transaction.plays().of_song(song.id)));
  for (const OwnVoice& voice : transaction.voices().list(account.id))
    out["voices"].push_back(export_of(voice, transaction.voices().consents(voice.id)));
  for (const HistoryLine& line : transaction.ledger().history(account.id, all))
    out["credits"].push_back(
        {{"kind", line.kind}, {"note", line.note}, {"amount", line.amount}, {"balance", line.balance}, {"time", line.time}});
  out["artist"] = export_artist(transaction, account);
  if (account.email_verified)
    for (const Follow& follow : transaction.follows().list(account.email, all))
      if (const auto artist = transaction.artists().find(follow.artist))
        out["follows"].push_back({{"artist", artist->handle}, {"created", follow.created}});
  for (const Order& order : transaction.orders().list(account.id, all)) out["orders"].push_back(export_of(order));
  out["subscriptions"] = out["payments"] = json::array();
  for (const FanSubscription& one : transaction.earnings().subscriptions_of_fan(account.id, all))
    out["subscriptions"].push_back(export_of(one));
  for (const FanPayment& one : transaction.earnings().payments_of_fan(account.id, all)) out["payments"].push_back(export_of(one));
  out["earnings"] = export_of_earnings(transaction, account.id);
  out["releases"] = out["connections"] = out["publications"] = json::array();
  for (const Release& release : transaction.releases().list(account.id, all)) out["releases"].push_back(export_of(release));
  for (const Connection& connection : transaction.releases().connections(account.id)) out["connections"].push_back(export_of(connection));
  for (const Publication& publication : transaction.releases().publications(account.id, all))
    out["publications"].push_back(export_of(publication));
  return out;
}

void grant_free_credits(Transaction& transaction, const Config& config, const Account& account, Seconds now) {
  if (config.free_credits == 0 || account.kind != AccountKind::member || !account.email_verified) return;
  if (!transaction.accounts().within_limit("free_credits", hash_secret(account.email), 1, free_credits_again, now)) return;
  LedgerEntry entry = grant_entry(account.id, config.free_credits, "grant:" + account.id, "Free credits to begin with");
  entry.time = now;
  transaction.ledger().post(entry);
}

void remove_account(const Context& context, const Account& account) {
  // The audio goes first: should that fail, the account is still there and its owner can try again. What a worker or an upload has added
  // meanwhile goes afterwards.
  std::vector<std::string> prefixes;
  const auto remove_blobs = [&] {
    for (const std::string& prefix : prefixes) context.blobs.remove_all(prefix);
  };
  context.store.read([&](Transaction& transaction) { prefixes = blobs_of(transaction, account.id); });
  remove_blobs();
  context.store.write([&](Transaction& transaction) {
    prefixes = blobs_of(transaction, account.id);
    for (OwnVoice& voice : transaction.voices().list(account.id))  // others' conversions with it end
      if (voice.state != OwnVoice::State::withdrawn) voice_steps::withdraw(transaction, voice, context.clock.now());
    transaction.accounts().erase(account.id, context.clock.now());
  });
  remove_blobs();
}

int clean_up_accounts(const Context& context) {
  const Seconds now = context.clock.now();
  std::vector<Account> lost;
  context.store.write([&](Transaction& transaction) {
    transaction.accounts().erase_stale_sessions(now - session_idle_timeout);
    lost = transaction.accounts().orphaned_guests(now - guest_grace_s, guests_per_cleanup);
  });
  for (const Account& guest : lost) remove_account(context, guest);
  return static_cast<int>(lost.size());
}

void merge_guest(Transaction& transaction, const Account& guest, const Account& member, Seconds now) {
  const auto current = transaction.accounts().find(guest.id);
  if (!current || current->kind != AccountKind::guest) return;
  transaction.jobs().reassign(guest.id, member.id);  // guests' jobs cost nothing, so the books hold nothing of them
  for (Recording& recording : transaction.recordings().list(guest.id, all)) {
    recording.account = member.id;
    transaction.recordings().update(recording);
  }
  for (Song& song : transaction.songs().list(guest.id, all)) {
    song.account = member.id;
    transaction.songs().update(song);
  }
  transaction.accounts().erase(guest.id, now);
}

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
