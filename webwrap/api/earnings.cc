// For those who earn: the account that is paid, what they offer, what came in.
#include "payments/earnings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>

#include "api/auth.h"
#include "api/context.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/month.h"
#include "payments/earning_facts.h"
#include "release/csv.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_tiers = 10;  // open ones of an artist
constexpr int max_trial_days = 31;
constexpr int max_payments_listed = 200;
constexpr int max_statements = 120;

void require_connect(const Context& context) {
  if (!context.connect.configured())
    throw ServiceError(503, "shop_not_configured",
                       "Nothing can be earned here: this service has no Stripe keys (stripe_secret_key and stripe_webhook_secrets).");
}

json tier_view(const Tier& tier) {
  return {{"id", tier.id},         {"title", tier.title},       {"text", tier.text},
          {"amount", tier.amount}, {"currency", tier.currency}, {"trial_days", tier.trial_days},
          {"closed", tier.closed}};
}

json payout_account_view(const std::optional<PayoutAccount>& account) {
  if (!account) return nullptr;
  return {{"ready", account->can_earn()}, {"submitted", account->submitted}, {"missing", or_null(account->missing)}};
}

json payment_view(const FanPayment& payment) {
  return {{"id", payment.id},
          {"kind", name_of(payment.kind)},
          {"currency", payment.currency},
          {"charged", payment.charged},
          {"fee", payment.fee - payment.fee_refunded},
          {"refunded", payment.refunded},
          {"disputed", is_disputed(payment)},
          {"earned", payment.charged - payment.fee - payment.reversed + payment.fee_refunded},
          {"giving_back", payment.refund_wanted && payment.refunded < payment.charged},
          {"paid", payment.paid}};
}

/// What lies where, in each currency.
json balances_view(Transaction& transaction, const Id& account) {
  json all = json::array();
  for (const std::string& currency : transaction.earnings().currencies_of(account))
    all.push_back({{"currency", currency},
                   {"at_stripe", transaction.ledger().balance(connected_account(currency, account))},
                   {"at_bank", transaction.ledger().balance(bank_account(currency, account))},
                   {"royalties_thousandths", transaction.ledger().balance(royalties_account(currency, account))}});
  return all;
}

json voices_view(Transaction& transaction, const Id& account) {
  json all = json::array();
  for (const VoiceOwner& voice : transaction.earnings().voices_of(account))
    all.push_back({{"voice", voice.voice}, {"royalty_permille", voice.royalty_permille}, {"since", voice.since}});
  return all;
}

json transfers_view(Transaction& transaction, const Id& account) {
  json all = json::array();
  for (const RoyaltyTransfer& one : transaction.earnings().transfers_of(account, max_payments_listed))
    all.push_back({{"id", one.id},
                   {"amount", one.amount},
                   {"currency", one.currency},
                   {"state", name_of(one.state)},
                   {"reversed", one.reversed},
                   {"songs", transaction.earnings().lines_of(one.id).size()},
                   {"created", one.created}});
  return all;
}

json payouts_view(Transaction& transaction, const Id& account) {
  json all = json::array();
  for (const Payout& one : transaction.earnings().payouts_of(account, max_payments_listed))
    all.push_back({{"id", one.id},
                   {"amount", one.amount},
                   {"currency", one.currency},
                   {"state", name_of(one.state)},
                   {"arrival", or_null(one.arrival)}});
  return all;
}

Response get_earnings(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    json tiers = json::array();
    for (const Tier& tier : earnings.tiers(account.id)) tiers.push_back(tier_view(tier));
    const auto artist = transaction.artists().find(account.id);
    answer = {{"open", context.connect.configured()},
              {"artist", artist ? json(artist->handle) : json()},
              {"currency", context.config.currency},
              {"fee_permille", context.config.artist_fee_permille},
              {"amount_min", context.config.fan_amount_min},
              {"amount_max", context.config.fan_amount_max},
              {"royalty_threshold", context.config.royalty_threshold},
              {"account", payout_account_view(earnings.payout_account(account.id))},
              {"tiers", std::move(tiers)},
              {"subscribers", earnings.subscriber_count(account.id, context.clock.now())},
              {"balances", balances_view(transaction, account.id)},
              {"voices", voices_view(transaction, account.id)},
              {"transfers", transfers_view(transaction, account.id)},
              {"payouts", payouts_view(transaction, account.id)}};
  });
  return json_response(200, answer);
}

// ---- the account that is paid ----

std::optional<PayoutAccount> payout_account_of(const Context& context, const Id& account) {
  std::optional<PayoutAccount> known;
  context.store.read([&](Transaction& transaction) { known = transaction.earnings().payout_account(account); });
  return known;
}

/// As Stripe tells of it now: its events may come late, and there is none for a closed one.
std::optional<PayoutAccount> look_at_account(const Context& context, const Id& account) {
  const auto known = payout_account_of(context, account);
  if (!known) return known;
  Earnings(context.config, context.store, context.connect, context.clock).look_at_account(known->stripe);
  return payout_account_of(context, account);
}

/// Else what is owed by or to the closed one would be forgotten: nothing of it can be had from the new one.
void require_settled(Transaction& transaction, const Id& account) {
  const std::vector<std::string> open = transaction.earnings().unsettled(account);
  if (open.empty()) return;
  throw ServiceError(
      409, "account_not_settled",
      fmt::format("Your closed account at Stripe is not settled yet, so no other one can be opened: {}. Write to the operator of "
                  "this service.",
                  fmt::join(open, ", ")));
}

/// The one that there is, or a new one: also where the old one was closed at Stripe and is settled.
PayoutAccount require_payout_account(const Context& context, const Account& account) {
  const auto known = look_at_account(context, account.id);
  if (known && !known->is_closed()) return *known;
  if (known) context.store.read([&](Transaction& transaction) { require_settled(transaction, account.id); });
  const std::string closed = known ? known->stripe : "";
  const ConnectedAccount made = context.connect.create_account(account.id, account.email, closed);
  PayoutAccount payout;
  context.store.write([&](Transaction& transaction) {
    const auto now = transaction.earnings().payout_account(account.id);
    if (now) payout = *now;
    if (payout.stripe != closed) return;  // asked for twice at once
    if (now) {
      require_settled(transaction, account.id);
      transaction.earnings().add(FormerAccount{closed, account.id, context.clock.now()});
      for (RoyaltyTransfer transfer : transaction.earnings().transfers_of(account.id, std::numeric_limits<int>::max())) {
        if (transfer.state != RoyaltyTransfer::State::created) continue;
        transfer.destination = made.id;
        ++transfer.refusals;  // Stripe's idempotency keys take no other destination
        transaction.earnings().save(transfer);
      }
    }
    payout.account = account.id;
    payout.stripe = made.id;
    payout.transfers = payout.payouts = payout.submitted = false;
    payout.missing.clear();
    payout.created = context.clock.now();
    transaction.earnings().save(payout);
  });
  return payout;
}

/// Where the form is that has to be filled in.
Response onboard(const Context& context, const Request& request) {
  require_connect(context);
  const Account account = require_signed_in_member(context, request);
  if (!account.email_verified)
    throw ServiceError(403, "email_not_verified", "Confirm your e-mail address first: open the link that was sent to it.");
  limit_rate(context, "onboarding", account.id, 20, hour);
  const PayoutAccount payout = require_payout_account(context, account);
  const std::string page = context.config.base_url() + "/app/earnings";
  return json_response(201, {{"url", context.connect.onboarding_url(payout.stripe, page + "?back", page + "?again")}});
}

Response check_account(const Context& context, const Request& request) {
  require_connect(context);
  const Account account = require_member(context, request);
  limit_rate(context, "onboarding", account.id, 60, hour);
  return json_response(200, {{"account", payout_account_view(look_at_account(context, account.id))}});
}

Response open_dashboard(const Context& context, const Request& request) {
  require_connect(context);
  const Account account = require_signed_in_member(context, request);
  limit_rate(context, "onboarding", account.id, 20, hour);
  const auto known = look_at_account(context, account.id);
  if (known && known->is_closed())
    throw ServiceError(409, "account_closed",
                       "Your account at Stripe was closed, so there is no page to look at; you can open another one.");
  if (!known || !known->submitted) throw ServiceError(409, "not_ready", "Fill in Stripe's form first; then there is a page to look at.");
  return json_response(201, {{"url", context.connect.dashboard_url(known->stripe)}});
}

// ---- tiers ----

Response add_tier(const Context& context, const Request& request) {
  require_connect(context);
  const Account account = require_member(context, request);
  JsonBody body(request, {"title", "text", "amount", "trial_days"});
  Tier tier;
  tier.title = body.text("title", 1, 60);
  tier.text = body.has("text") ? body.long_text("text", 0, 500) : "";
  tier.amount = body.integer("amount", context.config.fan_amount_min, context.config.fan_amount_max);
  tier.trial_days = static_cast<int>(body.optional_integer("trial_days", 0, max_trial_days).value_or(0));
  tier.id = new_id();
  tier.artist = account.id;
  tier.currency = context.config.currency;
  tier.created = context.clock.now();
  context.store.write([&](Transaction& transaction) {
    if (!transaction.artists().find(account.id))
      throw ServiceError(409, "no_artist", "Fans subscribe to an artist: make your artist's page first.");
    const std::vector<Tier> all = transaction.earnings().tiers(account.id);
    const auto open = std::count_if(all.begin(), all.end(), [](const Tier& one) { return !one.closed; });
    if (std::size_t(open) >= max_tiers)
      throw ServiceError(409, "too_many_tiers", fmt::format("There are {} tiers already: close one first.", max_tiers));
    transaction.earnings().save(tier);
  });
  return json_response(201, tier_view(tier));
}

Tier own_tier(Transaction& transaction, const Account& account, const Request& request) {
  const auto tier = transaction.earnings().tier(request.params.at("id"));
  if (!tier || tier->artist != account.id) throw ServiceError(404, "no_such_tier", "There is no such tier of yours.");
  return *tier;
}

/// Its words only: whoever subscribed did so for a price.
Response patch_tier(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  JsonBody body(request, {"title", "text"});
  const auto title = body.optional_text("title", 1, 60);
  const auto text = body.has("text") ? std::optional(body.long_text("text", 0, 500)) : std::nullopt;
  Tier tier;
  context.store.write([&](Transaction& transaction) {
    tier = own_tier(transaction, account, request);
    if (title) tier.title = *title;
    if (text) tier.text = *text;
    transaction.earnings().save(tier);
  });
  return json_response(200, tier_view(tier));
}

/// It takes no new fans; those whom it has go on.
Response close_tier(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  context.store.write([&](Transaction& transaction) {
    Tier tier = own_tier(transaction, account, request);
    tier.closed = true;
    transaction.earnings().save(tier);
  });
  return empty_response();
}

// ---- what came in ----

Response list_payments(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const FanPayment& payment : transaction.earnings().payments_of_artist(account.id, max_payments_listed))
      list.push_back(payment_view(payment));
  });
}

/// Noted here and done by the service, again and again until Stripe has done it.
Response refund_payment(const Context& context, const Request& request) {
  require_connect(context);
  const Account account = require_signed_in_member(context, request);
  FanPayment payment;
  context.store.write([&](Transaction& transaction) {
    const auto found = transaction.earnings().payment(request.params.at("id"));
    if (!found || found->artist != account.id || found->state != FanPayment::State::paid)
      throw ServiceError(404, "no_such_payment", "There is no such payment to you.");
    payment = *found;
    if (payment.charged == 0 || payment.refunded >= payment.charged)
      throw ServiceError(409, "nothing_left", "Nothing is left of this payment that could be given back.");
    if (is_disputed(payment))
      throw ServiceError(409, "disputed", "The fan's bank decides about this payment; it cannot be given back now.");
    if (!payment.refund_wanted) {
      EarningStore& earnings = transaction.earnings();
      const auto payout = earnings.payout_account(account.id);
      if (!payout || payout->is_closed() || payout->stripe != payment.destination)
        throw ServiceError(409, "account_closed",
                           "The account at Stripe that this payment went to was closed; nothing can be taken from it.");
      // Otherwise the service would bear what was paid out: an artist and a fan who are one would earn by giving back.
      const Money part = payment.charged - payment.fee - payment.reversed + payment.fee_refunded;
      const Money there = transaction.ledger().balance(connected_account(payment.currency, account.id));
      if (there - earnings.leaving(account.id, payment.currency) < part)
        throw ServiceError(409, "paid_out",
                           "Your part of this payment does not lie in your account at Stripe any more; give it back when enough came in.");
    }
    payment.refund_wanted = true;
    payment.retry_at = 0;
    transaction.earnings().save(payment);
  });
  return json_response(202, payment_view(payment));
}

// ---- statements ----

/// Thousandths as a decimal fraction of the smallest unit: 12345 → "12.345".
std::string decimal(Mills amount) {
  const Mills size = amount < 0 ? -amount : amount;
  return fmt::format("{}{}.{:03}", amount < 0 ? "-" : "", size / mills_per_unit, size % mills_per_unit);
}

struct StatementAccount {
  std::string name, account;
  bool mills = false;
  bool always = true;  ///< shown also where nothing ever happened
};

/// The last are of accounts at Stripe that were closed, which few members ever had: what was settled in another way, and the replaced ones.
std::vector<StatementAccount> statement_accounts(Transaction& transaction, const std::string& currency, const Id& id) {
  std::vector<StatementAccount> all = {{"stripe", connected_account(currency, id)},
                                       {"bank", bank_account(currency, id)},
                                       {"royalties", royalties_account(currency, id), true},
                                       {"outside", outside_account(currency, id), false, false}};
  for (const FormerAccount& one : transaction.earnings().former_accounts())
    if (one.account == id) all.push_back({one.stripe, connected_account(currency, one.stripe), false, false});
  return all;
}

/// What an entry is about: "fan:in_1:..." is the payment in_1, "royalty:<job>:1" a job.
std::string reference_of(const std::string& key) {
  const std::size_t start = key.find(':') + 1;
  return key.substr(start, key.find(':', start) - start);
}

/// What was there, what happened, what is there: for each account and currency, so that the lines sum up.
std::string statement_csv(Transaction& transaction, const Id& account, Seconds from, Seconds to) {
  std::string csv = "account,currency,time,what,reference,amount,balance,note\r\n";
  for (const std::string& currency : transaction.earnings().currencies_of(account)) {
    const std::vector<StatementLine> lines = transaction.earnings().statement(account, currency, from, to);
    for (const StatementAccount& of : statement_accounts(transaction, currency, account)) {
      std::int64_t balance = transaction.earnings().balance_before(of.account, from);
      const auto is_of = [&](const StatementLine& line) { return line.account == of.account; };
      if (!of.always && balance == 0 && std::none_of(lines.begin(), lines.end(), is_of)) continue;
      const auto number = [&](std::int64_t amount) { return of.mills ? decimal(amount) : fmt::format("{}", amount); };
      const auto add = [&](Seconds time, const std::string& what, const std::string& reference, const std::string& amount,
                           const std::string& note) {
        csv += fmt::format("{},{},{},{},{},{},{},{}\r\n", of.name, currency, time, what, reference, amount, number(balance),
                           note.empty() ? "" : csv_cell(note));
      };
      add(from, "opening", "", "", "");
      for (const StatementLine& line : lines)
        if (is_of(line)) {
          balance += line.amount;
          add(line.time, line.kind, reference_of(line.key), number(line.amount), line.note);
        }
      add(to, "closing", "", "", "");
    }
  }
  return csv;
}

Response list_statements(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    EarningStore& earnings = transaction.earnings();
    // By month and currency: what came from fans, what voices earned, what reached the bank.
    std::map<std::pair<std::string, std::string>, std::array<std::int64_t, 3>> months;
    for (const std::string& currency : earnings.currencies_of(account.id)) {
      const std::vector<StatementAccount> accounts = statement_accounts(transaction, currency, account.id);
      for (const StatementLine& line : earnings.statement(account.id, currency, 0, context.clock.now() + day)) {
        auto& sums = months[{month_of(line.time), currency}];
        const bool payout = line.kind == "payout" || line.kind == "payout_failed";
        const bool royalty = line.kind == "royalties" || line.kind == "transfer_reversal";
        const bool settled = line.kind == "settled_outside" || line.kind == "written_off";
        if (line.account == accounts[0].account && !payout && !royalty && !settled) sums[0] += line.amount;
        if (line.account == accounts[1].account) sums[1] += line.amount;
        if (line.account == accounts[2].account && line.kind != "royalty_transfer") sums[2] += line.amount;
      }
    }
    for (auto month = months.rbegin(); month != months.rend() && list.size() < max_statements; ++month)
      list.push_back({{"month", month->first.first},
                      {"currency", month->first.second},
                      {"from_fans", month->second[0]},
                      {"to_bank", month->second[1]},
                      {"royalties_thousandths", month->second[2]}});
  });
}

Response get_statement(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const std::string month = request.params.at("id");
  const auto start = parse_month(month);
  if (!start) throw ServiceError(404, "no_such_statement", "There is no such month; months are written as 2026-11.");
  Response response;
  response.type = "text/csv; charset=utf-8";
  response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"voxconv-{}.csv\"", month));
  context.store.read(
      [&](Transaction& transaction) { response.body = statement_csv(transaction, account.id, *start, next_month_start(*start)); });
  return response;
}

}  // namespace

void add_earning_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/earnings", get_earnings);
  add_route(router, context, Method::post, "/earnings/account", onboard);
  add_route(router, context, Method::post, "/earnings/account/check", check_account);
  add_route(router, context, Method::post, "/earnings/account/dashboard", open_dashboard);
  add_route(router, context, Method::post, "/earnings/tiers", add_tier);
  add_route(router, context, Method::patch, "/earnings/tiers/{id}", patch_tier);
  add_route(router, context, Method::del, "/earnings/tiers/{id}", close_tier);
  add_route(router, context, Method::get, "/earnings/payments", list_payments);
  add_route(router, context, Method::post, "/earnings/payments/{id}/refund", refund_payment);
  add_route(router, context, Method::get, "/earnings/statements", list_statements);
  add_route(router, context, Method::get, "/earnings/statements/{id}", get_statement);
}

}  // namespace webwrap
