#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/auth.h"
#include "api/concurrency_limiter.h"
#include "api/context.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "domain/error.h"
#include "domain/id.h"
#include "log/log.h"
#include "payments/earnings.h"
#include "payments/fulfilment.h"
#include "payments/stripe_json.h"
#include "payments/webhook_signature.h"
#include "store/records.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int max_history = 500;

http::Response get_credits(const Context& context, const http::Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) {
    json history = json::array();
    for (const HistoryLine& line : transaction.ledger().history(account.id, max_history))
      history.push_back(
          {{"kind", line.kind}, {"note", line.note}, {"amount", line.amount}, {"balance", line.balance}, {"time", line.time}});
    answer = {{"balance", transaction.ledger().balance(user_account(account.id))},
              {"reserved", transaction.ledger().balance(reserved_account(account.id))},
              {"history", std::move(history)}};
  });
  return json_response(200, answer);
}

using http::Method;
using http::Request;
using http::Response;

constexpr int max_listed_orders = 200;
constexpr std::size_t max_event_bytes = 512 * 1024;
constexpr Seconds refresh_every = 3;  // for each account, whatever it asks of

/// Who waits for the provider holds a handler thread, for seconds where it is slow: buyers may wait for each other, questions are answered
/// with what is known.
struct ProviderSlots {
  explicit ProviderSlots(int handler_threads)
      : orders(std::max(1, handler_threads / 4), handler_threads / 4),
        questions(std::max(1, handler_threads / 4), 0),
        events(std::max(1, handler_threads / 4), handler_threads / 4) {}
  ConcurrencyLimiter orders, questions, events;
};

json json_of(const Order& order) {
  json object = {{"id", order.id},
                 {"pack", order.pack},
                 {"credits", order.credits},
                 {"amount", order.amount},
                 {"currency", order.currency},
                 {"state", name_of(order.state)},
                 {"checkout_url", nullptr},
                 {"refunded_amount", order.refunded_amount},
                 {"created", order.created}};
  if (order.state == Order::State::pending) object["checkout_url"] = order.checkout_url;
  return object;
}

void require_shop(const Context& context) {
  if (!context.payments.configured())
    throw ServiceError(503, "shop_not_configured",
                       "Credits cannot be bought here: this service has no Stripe keys (stripe_secret_key and stripe_webhook_secrets).");
}

/// Opens the order's checkout session; again for an order whose session was never heard of: the key stored with it keeps it to one session.
Order open_checkout(const Context& context, const Order& order, const Account& account, RetryPolicy retry) {
  const std::string page = fmt::format("{}/app/credits?order={}", context.config.base_url(), order.id);
  const CheckoutSession session =
      context.payments.create_session(order, fmt::format("{} credits", order.credits), page, page + "&cancelled=1", account.email, retry);
  return Fulfilment(context.store, context.payments, context.clock).apply_session(session);
}

Response add_order(const Context& context, const Request& request, ProviderSlots& slots) {
  require_shop(context);
  const Account account = require_member(context, request);
  limit_rate(context, "order", account.id, 20, 3600);
  const std::string wanted = JsonBody(request, {"pack"}).text("pack", 1, 64);
  const auto pack = std::find_if(context.config.packs.begin(), context.config.packs.end(), [&](const Pack& p) { return p.id == wanted; });
  if (pack == context.config.packs.end()) throw ServiceError(422, "invalid", "pack: there is no such pack; GET /api/v1/config lists them.");
  if (account.frozen)
    throw ServiceError(403, "account_frozen", "A payment of this account is disputed; nothing can be bought until that is settled.");

  Order order;
  order.id = new_id();
  order.account = account.id;
  order.pack = pack->id;
  order.credits = pack->credits;
  order.amount = pack->amount;
  order.currency = context.config.currency;
  order.idempotency_key = "order-" + order.id;
  order.created = context.clock.now();
  const ConcurrencyLimiter::Slot slot = slots.orders.enter();
  context.store.write([&](Transaction& transaction) { transaction.orders().add(order); });
  return json_response(201, json_of(open_checkout(context, order, account, RetryPolicy::standard)));
}

/// Asks the provider about an order that waits: a webhook may be late or lost. Where it does not answer now, or too many ask, what is known
/// stands.
Order refresh(const Context& context, const Order& order, const Account& account, ProviderSlots& slots) {
  bool ask = context.payments.configured() && (order.state == Order::State::created || order.state == Order::State::pending);
  if (ask)  // pages poll
    context.store.write([&](Transaction& transaction) {
      ask = transaction.accounts().within_limit("order_refresh", account.id, 1, refresh_every, context.clock.now());
    });
  if (!ask) return order;
  try {
    const ConcurrencyLimiter::Slot slot = slots.questions.enter();
    if (order.session.empty()) return open_checkout(context, order, account, RetryPolicy::once);
    return Fulfilment(context.store, context.payments, context.clock).apply_session(context.payments.find_session(order.session));
  } catch (const ServiceError& error) {
    if (error.status() != 502 && error.status() != 503) throw;
    return order;
  }
}

Response get_order(const Context& context, const Request& request, ProviderSlots& slots) {
  const Account account = require_member(context, request);
  std::optional<Order> order;
  context.store.read([&](Transaction& transaction) { order = transaction.orders().find(request.params.at("id")); });
  if (!order || order->account != account.id) throw ServiceError(404, "no_such_order", "There is no such order.");
  return json_response(200, json_of(refresh(context, *order, account, slots)));
}

Response list_orders(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Order& order : transaction.orders().list(account.id, max_listed_orders)) list.push_back(json_of(order));
  });
}

Response receive_webhook(const Context& context, const Request& request, ProviderSlots& slots) {
  require_shop(context);
  switch (check_signature(request.header("stripe-signature"), request.body, context.config.stripe_webhook_secrets, context.clock.now(),
                          context.config.stripe_tolerance_s)) {
    case SignatureCheck::ok: break;
    case SignatureCheck::malformed: throw ServiceError(400, "bad_signature", "There is no Stripe-Signature header with t and v1.");
    case SignatureCheck::mismatch: throw ServiceError(400, "bad_signature", "The signature fits none of the webhook secrets.");
    case SignatureCheck::too_old: throw ServiceError(400, "bad_signature", "The signature is older than the tolerance.");
  }
  const json event = json::parse(request.body, nullptr, false);
  if (!event.is_object()) throw ServiceError(400, "invalid_event", "The body is not a JSON object.");
  log(Level::info, "stripe event", {{"id", event.value("id", json())}, {"type", event.value("type", json())}});
  if (!is_event_that_counts(event, context.config.stripe_secret_key)) return json_response(200, {{"received", true}});  // nor sent again
  const ConcurrencyLimiter::Slot slot = slots.events.enter();  // most are looked up at Stripe; who finds no place is sent again
  if (!Earnings(context.config, context.store, context.connect, context.clock).apply_event(event))
    Fulfilment(context.store, context.payments, context.clock).apply_event(event);
  return json_response(200, {{"received", true}});
}

}  // namespace

void add_credit_routes(http::Router& router, Context& context) { add_route(router, context, http::Method::get, "/credits", get_credits); }

void add_shop_routes(http::Router& router, Context& context) {
  const auto slots = std::make_shared<ProviderSlots>(context.config.handler_threads);
  add_route(router, context, Method::post, "/orders",
            [slots](const Context& c, const Request& request) { return add_order(c, request, *slots); });
  add_route(router, context, Method::get, "/orders", list_orders);
  add_route(router, context, Method::get, "/orders/{id}",
            [slots](const Context& c, const Request& request) { return get_order(c, request, *slots); });
  // Stripe's own servers send this; its signature is what counts.
  router.add(
      Method::post, "/api/v1/stripe/webhook",
      [&context, slots](const Request& request) { return receive_webhook(context, request, *slots); }, max_event_bytes);
}

}  // namespace webwrap
