// How fans support artists: what an artist offers (tiers), and what fans pay (subscriptions to a tier, tips).
#include <fmt/format.h>

#include <algorithm>

#include "api/auth.h"
#include "api/concurrency_limiter.h"
#include "api/context.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "domain/error.h"
#include "domain/id.h"
#include "payments/earning_facts.h"
#include "payments/earnings.h"
#include "payments/stripe_api.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_subscriptions_listed = 200;
constexpr Seconds session_lasts = 20 * hour;  // Stripe's own end after a day
constexpr Seconds ask_every = 3;              // for each account, whatever it asks of

/// As those of the shop, and fewer: who waits for the provider holds a handler thread.
struct SupportSlots {
  explicit SupportSlots(int handler_threads)
      : payments(std::max(1, handler_threads / 8), handler_threads / 8), questions(std::max(1, handler_threads / 8), 0) {}
  ConcurrencyLimiter payments, questions;
};

Earnings earnings_of(const Context& context) { return {context.config, context.store, context.connect, context.clock}; }

void require_provider(const Context& context) {
  if (!context.connect.configured())
    throw ServiceError(503, "shop_not_configured",
                       "Nothing can be paid here: this service has no Stripe keys (stripe_secret_key and stripe_webhook_secrets).");
}

/// The account of an artist by its id, or by the handle that stands in an address. The id comes first: nobody else can have it, while
/// anybody could take it for his handle.
Id require_artist(Transaction& transaction, const std::string& id_or_handle) {
  auto artist = transaction.artists().find(id_or_handle);
  if (!artist) artist = transaction.artists().find_by_handle(id_or_handle);
  if (!artist || artist->hidden) throw ServiceError(404, "no_such_artist", "There is no such artist.");
  return artist->account;
}

/// Who is supported; what an artist who left was called is not known any more.
json supported_view(Transaction& transaction, const Id& account) {
  const auto artist = transaction.artists().find(account);
  if (!artist) return {{"id", account}, {"handle", nullptr}, {"name", "An artist who left"}};
  return {{"id", account}, {"handle", artist->handle}, {"name", artist->name}};
}

json json_of(const Tier& tier) {
  return {{"id", tier.id},         {"title", tier.title},       {"text", tier.text},
          {"amount", tier.amount}, {"currency", tier.currency}, {"trial_days", tier.trial_days}};
}

json json_of(Transaction& transaction, const FanSubscription& subscription, Seconds now) {
  const auto tier = transaction.earnings().tier(subscription.tier);
  return {{"id", subscription.id},
          {"artist", supported_view(transaction, subscription.artist)},
          {"tier", tier ? json(tier->title) : json()},
          {"amount", subscription.amount},
          {"currency", subscription.currency},
          {"state", name_of(subscription.state)},
          {"supporting", is_subscriber(subscription, now)},
          {"cancels", subscription.cancels || subscription.end_wanted},
          {"late", subscription.late},
          {"paid_through", or_null(subscription.paid_through)},
          {"checkout_url", subscription.state == FanSubscription::State::pending ? json(subscription.checkout_url) : json()},
          {"created", subscription.created}};
}

json json_of(Transaction& transaction, const FanPayment& tip) {
  return {{"id", tip.id},
          {"artist", supported_view(transaction, tip.artist)},
          {"amount", tip.amount},
          {"currency", tip.currency},
          {"state", name_of(tip.state)},
          {"refunded", tip.refunded},
          {"checkout_url", tip.state == FanPayment::State::pending ? json(tip.checkout_url) : json()},
          {"created", tip.created}};
}

/// The artist of the address, if fans can pay to it now.
PayoutAccount require_earning_artist(Transaction& transaction, const Id& artist) {
  const auto account = transaction.earnings().payout_account(artist);
  if (!account || !account->can_earn())
    throw ServiceError(409, "cannot_earn", "This artist cannot be supported now: the account that is to be paid is not ready.");
  return *account;
}

/// Who pays: not the artist himself, and nobody whose payments are disputed.
void check_fan(Transaction& transaction, const Account& fan, const Id& artist) {
  if (fan.id == artist) throw ServiceError(422, "invalid", "artist: this is yourself.");
  const std::vector<FanPayment> payments = transaction.earnings().payments_of_fan(fan.id, 1000);
  if (fan.frozen || std::any_of(payments.begin(), payments.end(), has_undecided_dispute))
    throw ServiceError(403, "account_frozen", "A payment of this account is disputed; nothing can be bought until that is settled.");
}

ReturnPages pages_of(const Context& context, const Id& artist, const char* what, const Id& id) {
  const std::string page = fmt::format("{}/app/support/{}?{}={}", context.config.base_url(), artist, what, id);
  return {page, page + "&cancelled=1"};
}

// ---- what an artist offers ----

Response get_offer(const Context& context, const Request& request) {
  const std::optional<Account> fan = find_account(context, request);
  const Seconds now = context.clock.now();
  json answer;
  context.store.read([&](Transaction& transaction) {
    const Id artist = require_artist(transaction, request.params.at("handle"));
    const auto account = transaction.earnings().payout_account(artist);
    const bool open = context.connect.configured() && account && account->can_earn();
    json tiers = json::array(), mine = nullptr;
    for (const Tier& tier : transaction.earnings().tiers(artist))
      if (open && !tier.closed) tiers.push_back(json_of(tier));
    if (fan)
      for (const FanSubscription& one : transaction.earnings().subscriptions_between(fan->id, artist))
        if (mine.is_null() && (one.state == FanSubscription::State::active || is_subscriber(one, now)))
          mine = json_of(transaction, one, now);
    answer = {{"artist", supported_view(transaction, artist)},
              {"open", open},
              {"own", fan && fan->id == artist},
              {"tiers", tiers},
              {"currency", context.config.currency},
              {"tip_min", context.config.fan_amount_min},
              {"tip_max", context.config.fan_amount_max},
              {"subscription", mine}};
  });
  return json_response(200, answer);
}

// ---- subscriptions ----

/// The record of a new subscription, or of one that waits for its payment on the same terms; those in its way are given in `others`.
FanSubscription begin_subscription(const Context& context, Transaction& transaction, const Account& fan, const Id& artist,
                                   const std::string& wanted, std::vector<FanSubscription>& others) {
  using State = FanSubscription::State;
  EarningStore& earnings = transaction.earnings();
  check_fan(transaction, fan, artist);
  const auto tier = earnings.tier(wanted);
  if (!tier || tier->artist != artist || tier->closed) fail_field("tier", "there is no such tier of this artist.");
  const PayoutAccount account = require_earning_artist(transaction, artist);
  bool first = true;
  others.clear();
  for (const FanSubscription& one : earnings.subscriptions_between(fan.id, artist)) {
    if (one.state == State::active && !one.end_wanted)
      throw ServiceError(409, "already_subscribed",
                         one.cancels ? "You support this artist already; take back that it ends, or wait until it has ended."
                                     : "You support this artist already; end that first to choose another tier.");
    first = first && one.stripe.empty();
    if (one.state != State::created && one.state != State::pending) continue;
    const bool fresh = context.clock.now() - one.created < session_lasts;
    if (fresh && one.tier == tier->id && one.destination == account.stripe && !one.end_wanted) return one;
    others.push_back(one);
  }
  FanSubscription made;
  if (!others.empty()) return made;
  made.id = new_id();
  made.fan = fan.id;
  made.artist = artist;
  made.tier = tier->id;
  made.amount = tier->amount;
  made.currency = tier->currency;
  made.fee_permille = context.config.artist_fee_permille;
  made.destination = account.stripe;
  made.trial_days = first ? tier->trial_days : 0;
  made.title = fmt::format("{}: {}", supported_view(transaction, artist).value("name", ""), tier->title);
  made.idempotency_key = "subscription-" + made.id;
  made.created = context.clock.now();
  earnings.save(made);
  return made;
}

FanSubscription open_checkout(const Context& context, const FanSubscription& subscription, const Account& fan, RetryPolicy retry) {
  const ReturnPages pages = pages_of(context, subscription.artist, "subscription", subscription.id);
  try {
    return earnings_of(context).take_session(subscription,
                                             context.connect.open_subscription(subscription, subscription.title, pages, fan.email, retry));
  } catch (const StripeRefusal&) {
    earnings_of(context).give_up(subscription);
    throw;
  }
}

Response respond(const Context& context, int status, const FanSubscription& subscription) {
  json answer;
  context.store.read([&](Transaction& transaction) { answer = json_of(transaction, subscription, context.clock.now()); });
  return json_response(status, answer);
}

Response add_subscription(const Context& context, const Request& request, SupportSlots& slots) {
  require_provider(context);
  const Account fan = require_member(context, request);
  const std::string tier = JsonBody(request, {"tier"}).text("tier", 1, 64);
  limit_rate(context, "support", fan.id, 20, hour);
  const ConcurrencyLimiter::Slot slot = slots.payments.enter();
  FanSubscription subscription;
  std::vector<FanSubscription> others;
  for (int tried = 0; tried < 2 && subscription.id.empty(); ++tried) {
    for (const FanSubscription& other : others) earnings_of(context).end_session(other);
    context.store.write([&](Transaction& transaction) {
      subscription = begin_subscription(context, transaction, fan, require_artist(transaction, request.params.at("handle")), tier, others);
    });
  }
  if (subscription.id.empty()) throw ServiceError(409, "conflict", "Another tier is being paid for just now; try again in a moment.");
  if (subscription.session.empty()) subscription = open_checkout(context, subscription, fan, RetryPolicy::standard);
  return respond(context, 201, subscription);
}

FanSubscription require_subscription(const Context& context, const Account& fan, const Id& id) {
  std::optional<FanSubscription> found;
  context.store.read([&](Transaction& transaction) { found = transaction.earnings().subscription(id); });
  if (!found || found->fan != fan.id) throw ServiceError(404, "no_such_subscription", "There is no such subscription of yours.");
  return *found;
}

/// Whether Stripe may be asked about something that waits: pages poll.
bool may_ask(const Context& context, const Account& account) {
  bool ask = context.connect.configured();
  if (ask)
    context.store.write([&](Transaction& transaction) {
      ask = transaction.accounts().within_limit("order_refresh", account.id, 1, ask_every, context.clock.now());
    });
  return ask;
}

/// Asks about what waits; where Stripe does not answer now, or too many ask, what is known stands.
template <class Thing, class Ask>
Thing refreshed(const Context& context, const Account& account, SupportSlots& slots, const Thing& thing, bool waits, const Ask& ask) {
  if (!waits || !may_ask(context, account)) return thing;
  try {
    const ConcurrencyLimiter::Slot slot = slots.questions.enter();
    return ask();
  } catch (const ServiceError& error) {
    if (error.status() != 502 && error.status() != 503) throw;
    return thing;
  }
}

Response get_subscription(const Context& context, const Request& request, SupportSlots& slots) {
  using State = FanSubscription::State;
  const Account fan = require_member(context, request);
  const FanSubscription known = require_subscription(context, fan, request.params.at("id"));
  const bool waits = (known.state == State::created && !known.end_wanted) || known.state == State::pending || known.paid_through == 0;
  return respond(context, 200, refreshed(context, fan, slots, known, waits && known.state != State::expired, [&]() -> FanSubscription {
                   if (known.session.empty() && known.end_wanted) return known;
                   if (known.session.empty()) return open_checkout(context, known, fan, RetryPolicy::once);
                   const auto session = context.connect.find_checkout(known.session);
                   return session ? earnings_of(context).take_session(known, *session) : known;
                 }));
}

Response list_subscriptions(const Context& context, const Request& request) {
  const Account fan = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const FanSubscription& one : transaction.earnings().subscriptions_of_fan(fan.id, max_subscriptions_listed))
      if (one.state != FanSubscription::State::created && one.state != FanSubscription::State::expired)
        list.push_back(json_of(transaction, one, context.clock.now()));
  });
}

/// At the end of the paid time, or not any more.
Response set_cancels(const Context& context, const Request& request, SupportSlots& slots, bool cancels) {
  require_provider(context);
  const Account fan = require_member(context, request);
  const FanSubscription known = require_subscription(context, fan, request.params.at("id"));
  if (known.state != FanSubscription::State::active || known.stripe.empty() || known.end_wanted)
    throw ServiceError(409, "not_active", "This subscription is not running (any more).");
  const ConcurrencyLimiter::Slot slot = slots.payments.enter();
  context.connect.set_cancels(known.stripe, cancels);
  earnings_of(context).look_at_subscription(known.stripe);
  return respond(context, 200, require_subscription(context, fan, known.id));
}

// ---- tips ----

Response respond(const Context& context, int status, const FanPayment& tip) {
  json answer;
  context.store.read([&](Transaction& transaction) { answer = json_of(transaction, tip); });
  return json_response(status, answer);
}

FanPayment open_checkout(const Context& context, const FanPayment& tip, const Account& fan, RetryPolicy retry) {
  const ReturnPages pages = pages_of(context, tip.artist, "tip", tip.id);
  try {
    return earnings_of(context).take_session(tip, context.connect.open_tip(tip, tip.title, pages, fan.email, retry));
  } catch (const StripeRefusal&) {
    earnings_of(context).give_up(tip);
    throw;
  }
}

Response add_tip(const Context& context, const Request& request, SupportSlots& slots) {
  require_provider(context);
  const Account fan = require_member(context, request);
  JsonBody body(request, {"amount"});
  FanPayment tip;
  tip.amount = body.integer("amount", context.config.fan_amount_min, context.config.fan_amount_max);
  limit_rate(context, "support", fan.id, 20, hour);
  tip.id = new_id();
  tip.kind = FanPayment::Kind::tip;
  tip.fan = fan.id;
  tip.currency = context.config.currency;
  tip.fee_permille = context.config.artist_fee_permille;
  tip.idempotency_key = "tip-" + tip.id;
  tip.created = context.clock.now();
  const ConcurrencyLimiter::Slot slot = slots.payments.enter();
  context.store.write([&](Transaction& transaction) {
    tip.artist = require_artist(transaction, request.params.at("handle"));
    check_fan(transaction, fan, tip.artist);
    tip.destination = require_earning_artist(transaction, tip.artist).stripe;
    tip.title = fmt::format("A tip for {}", supported_view(transaction, tip.artist).value("name", ""));
    transaction.earnings().save(tip);
  });
  return respond(context, 201, open_checkout(context, tip, fan, RetryPolicy::standard));
}

Response get_tip(const Context& context, const Request& request, SupportSlots& slots) {
  using State = FanPayment::State;
  const Account fan = require_member(context, request);
  std::optional<FanPayment> found;
  context.store.read([&](Transaction& transaction) { found = transaction.earnings().payment(request.params.at("id")); });
  if (!found || found->fan != fan.id || found->kind != FanPayment::Kind::tip)
    throw ServiceError(404, "no_such_tip", "There is no such tip of yours.");
  const bool waits = (found->state == State::created && !found->end_wanted) || found->state == State::pending;
  return respond(context, 200, refreshed(context, fan, slots, *found, waits, [&]() -> FanPayment {
                   if (found->session.empty()) return open_checkout(context, *found, fan, RetryPolicy::once);
                   const auto session = context.connect.find_checkout(found->session);
                   return session ? earnings_of(context).take_session(*found, *session) : *found;
                 }));
}

}  // namespace

void add_support_routes(http::Router& router, Context& context) {
  const auto slots = std::make_shared<SupportSlots>(context.config.handler_threads);
  const auto with_slots = [slots](auto handler) {
    return [slots, handler](const Context& c, const Request& request) { return handler(c, request, *slots); };
  };
  add_route(router, context, Method::get, "/artists/{handle}/offer", get_offer);
  add_route(router, context, Method::post, "/artists/{handle}/subscriptions", with_slots(add_subscription));
  add_route(router, context, Method::post, "/artists/{handle}/tips", with_slots(add_tip));
  add_route(router, context, Method::get, "/subscriptions", list_subscriptions);
  add_route(router, context, Method::get, "/subscriptions/{id}", with_slots(get_subscription));
  add_route(router, context, Method::post, "/subscriptions/{id}/cancel",
            [slots](const Context& c, const Request& request) { return set_cancels(c, request, *slots, true); });
  add_route(router, context, Method::post, "/subscriptions/{id}/resume",
            [slots](const Context& c, const Request& request) { return set_cancels(c, request, *slots, false); });
  add_route(router, context, Method::get, "/tips/{id}", with_slots(get_tip));
}

}  // namespace webwrap
