#include "payments/fulfilment.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "domain/text.h"
#include "log/log.h"
#include "payments/stripe_json.h"
#include "store/royalties.h"

namespace webwrap {
namespace {

using nlohmann::json;
using State = Order::State;

/// Stripe's disputes as they are kept with the order.
std::string name_of(PaymentUpdate::Dispute state) {
  switch (state) {
    case PaymentUpdate::Dispute::open: return "open";
    case PaymentUpdate::Dispute::lost: return "lost";
    case PaymentUpdate::Dispute::won: return "won";
  }
  return {};
}

int rank_of_dispute(const std::string& state) { return state == "open" ? 0 : state == "lost" ? 1 : 2; }

int rank_of(State state) {
  switch (state) {
    case State::created: return 0;
    case State::pending: return 1;
    case State::expired: return 2;
    case State::failed: return 3;
    case State::paid:
    case State::refunded:
    case State::disputed: return 4;
  }
  return 0;
}

json disputes_of(const Order& order) { return order.disputes.empty() ? json::object() : json::parse(order.disputes); }

/// All of it: the price, unless Stripe told another sum, with taxes.
std::int64_t charged_for(const Order& order) { return order.charged > 0 ? order.charged : order.amount; }

bool has_dispute(const Order& order, const std::string& state) {
  for (const auto& dispute : disputes_of(order))
    if (dispute.at("state") == state) return true;
  return false;
}

std::optional<PaymentUpdate> read_checkout(const std::string& type, const json& session) {
  PaymentUpdate update;
  update.order = order_of(session);
  update.session = text_of(session, "id");
  update.payment_intent = text_of(session, "payment_intent");
  if (type == "checkout.session.completed" || type == "checkout.session.async_payment_succeeded")
    update.state = text_of(session, "payment_status") == "paid" ? State::paid : State::pending;
  else if (type == "checkout.session.async_payment_failed")
    update.state = State::failed;
  else if (type == "checkout.session.expired")
    update.state = State::expired;
  else
    return std::nullopt;
  if (update.state == State::paid) {
    update.charged = amount_of(session, "amount_total");
    update.price = update.charged - tax_of(session);
    update.currency = text_of(session, "currency");
  }
  return update;
}

/// That what was paid is the order's price: the metadata that names the order can be given to any other payment of the operator's account.
void check_payment(const Order& order, const PaymentUpdate& update) {
  const bool same_currency = lower_case(update.currency) == lower_case(order.currency);
  if (same_currency && update.price == order.amount) return;
  const std::string paid = fmt::format("{} {}", update.price, update.currency), wanted = fmt::format("{} {}", order.amount, order.currency);
  log(Level::error, "payment does not fit its order",
      {{"order", order.id}, {"session", update.session}, {"paid", paid}, {"price", wanted}});
  throw ServiceError(
      409, "payment_mismatch",
      fmt::format("Order {} costs {} (in the smallest unit), but {} was paid: nothing was credited; the operator must look at it.",
                  order.id, wanted, paid));
}

/// By its status, whatever happened to it: "created" may come after "closed". Inquiries (warning_...) move no money and take nothing;
/// one that becomes a dispute changes its status.
std::optional<PaymentUpdate> read_dispute(const json& dispute) {
  PaymentUpdate update;
  update.dispute = text_of(dispute, "id");
  update.payment_intent = text_of(dispute, "payment_intent");
  update.disputed_amount = amount_of(dispute, "amount");
  const std::string status = text_of(dispute, "status");
  if (status == "needs_response" || status == "under_review")
    update.dispute_state = PaymentUpdate::Dispute::open;
  else if (status == "lost")
    update.dispute_state = PaymentUpdate::Dispute::lost;
  else if (status == "won" || status == "charge_refunded" || status == "prevented")  // what was refunded comes by charge.refunded
    update.dispute_state = PaymentUpdate::Dispute::won;
  else
    return std::nullopt;
  if (update.dispute.empty()) return std::nullopt;
  return update;
}

}  // namespace

std::optional<PaymentUpdate> read_event(const json& event) {
  const std::string type = text_of(event, "type");
  const auto data = event.find("data");
  if (type.empty() || text_of(event, "id").empty() || data == event.end() || !data->is_object() || !data->contains("object") ||
      !data->at("object").is_object())
    throw ServiceError(400, "invalid_event", "The event has no id, type or data.object.");
  const json& object = data->at("object");
  if (type.starts_with("checkout.session.")) return read_checkout(type, object);
  if (type.starts_with("charge.dispute.")) return read_dispute(object);
  if (type != "charge.refunded") return std::nullopt;
  PaymentUpdate update;
  update.order = order_of(object);  // a charge carries its payment's metadata
  update.payment_intent = text_of(object, "payment_intent");
  update.charged = amount_of(object, "amount");
  update.refunded_amount = amount_of(object, "amount_refunded");
  return update;
}

PaymentUpdate read_session(const CheckoutSession& session) {
  PaymentUpdate update;
  update.order = session.order;
  update.session = session.id;
  update.payment_intent = session.payment_intent;
  update.checkout_url = session.url;
  update.state = session.status == "expired"                                        ? State::expired
                 : session.status == "complete" && session.payment_status == "paid" ? State::paid
                                                                                    : State::pending;
  if (update.state == State::paid) {
    update.charged = session.amount_total;
    update.price = session.amount_total - session.amount_tax;
    update.currency = session.currency;
  }
  return update;
}

Order merge(Order order, const PaymentUpdate& update) {
  if (order.session.empty()) order.session = update.session;
  if (order.payment_intent.empty()) order.payment_intent = update.payment_intent;
  if (order.checkout_url.empty()) order.checkout_url = update.checkout_url;
  order.charged = std::max(order.charged, update.charged);
  order.refunded_amount = std::max(order.refunded_amount, update.refunded_amount);
  if (!update.dispute.empty()) {
    json disputes = disputes_of(order);
    json& dispute = disputes.emplace(update.dispute, json{{"state", "open"}, {"amount", 0}}).first.value();
    if (rank_of_dispute(name_of(update.dispute_state)) > rank_of_dispute(dispute.at("state")))
      dispute["state"] = name_of(update.dispute_state);
    dispute["amount"] = std::max(dispute.at("amount").get<std::int64_t>(), update.disputed_amount);
    order.disputes = disputes.dump();
  }
  if (rank_of(update.state) > rank_of(order.state)) order.state = update.state;
  if (is_paid(order))
    order.state = has_dispute(order, "open") || has_dispute(order, "lost") ? State::disputed
                  : order.refunded_amount >= charged_for(order)            ? State::refunded
                                                                           : State::paid;
  return order;
}

bool is_paid(const Order& order) { return rank_of(order.state) == rank_of(State::paid); }

bool has_open_dispute(const Order& order) { return has_dispute(order, "open"); }

Credits credits_taken_back(const Order& order) {
  const std::int64_t charged = charged_for(order);
  if (!is_paid(order) || charged <= 0) return 0;
  std::int64_t lost = order.refunded_amount;
  for (const auto& dispute : disputes_of(order))
    if (dispute.at("state") == "lost") lost += dispute.at("amount").get<std::int64_t>();
  return order.credits * std::min(lost, charged) / charged;
}

void Fulfilment::apply_event(const json& event) {
  std::optional<PaymentUpdate> update = read_event(event);
  if (!update) return;
  if (update->session.empty() && update->order.empty()) {
    // A dispute names the payment only, and the payment is known from "completed" on, which may not have come yet.
    bool known = false;
    store_.read([&](Transaction& transaction) { known = find_order(transaction, *update).has_value(); });
    if (!known && !update->payment_intent.empty()) update->order = gateway_.order_of_payment(update->payment_intent);
  }
  store_.write([&](Transaction& transaction) {
    if (!transaction.orders().note_event(text_of(event, "id"), text_of(event, "type"), clock_.now())) return;
    if (const std::optional<Order> order = find_order(transaction, *update)) apply(transaction, *order, *update);
  });
}

Order Fulfilment::apply_session(const CheckoutSession& session) {
  Order order;
  store_.write([&](Transaction& transaction) {
    const PaymentUpdate update = read_session(session);
    const std::optional<Order> found = find_order(transaction, update);
    if (!found) throw ServiceError(404, "no_such_order", "There is no order for this checkout session.");
    order = apply(transaction, *found, update);
  });
  return order;
}

std::optional<Order> Fulfilment::find_order(Transaction& transaction, const PaymentUpdate& update) const {
  std::optional<Order> order;
  if (!update.session.empty()) order = transaction.orders().find_by_session(update.session);
  if (!order && !update.payment_intent.empty()) order = transaction.orders().find_by_payment_intent(update.payment_intent);
  if (!order && !update.order.empty()) order = transaction.orders().find(update.order);
  if (order && !update.session.empty() && !order->session.empty() && order->session != update.session)
    throw ServiceError(409, "session_conflict",
                       fmt::format("Order {} was opened with checkout session {}, not {}.", order->id, order->session, update.session));
  return order;
}

Order Fulfilment::apply(Transaction& transaction, const Order& before, const PaymentUpdate& update) const {
  if (update.state == State::paid) check_payment(before, update);
  const Order after = merge(before, update);
  transaction.orders().update(after);
  const auto post = [&](LedgerEntry entry) {
    entry.time = clock_.now();
    transaction.ledger().post(entry);
  };
  // The ledger's key is the session: whatever else goes wrong, it is credited once.
  if (is_paid(after) && !is_paid(before))
    post(purchase_entry(after.account, after.credits, after.session, fmt::format("{} credits bought", after.credits)));
  const Credits taken = credits_taken_back(after) - credits_taken_back(before);
  if (taken != 0) {
    // What is known only grows, so no two bookings of an order have the same key.
    const std::string key =
        fmt::format("stripe:{}:back:{}/{}:{}", after.session, after.refunded_amount, charged_for(after), after.disputes);
    const bool disputed = after.disputes != before.disputes || (!is_paid(before) && has_dispute(after, "lost"));
    if (taken < 0)
      post(reversal_entry(after.account, taken, key, "dispute_won", "Disputed payment settled"));
    else if (disputed)
      post(reversal_entry(after.account, taken, key, "dispute", "Disputed payment lost"));
    else
      post(reversal_entry(after.account, taken, key, "refund", "Payment refunded"));
  }
  if (is_paid(after) && (!is_paid(before) || after.charged != before.charged || after.refunded_amount != before.refunded_amount ||
                         after.disputes != before.disputes))
    follow_payments(transaction, after.account, clock_.now());
  if (after.disputes != before.disputes) {
    const std::vector<Order> orders = transaction.orders().list(after.account, std::numeric_limits<int>::max());
    if (std::optional<Account> account = transaction.accounts().find(after.account)) {  // it may have been deleted
      account->frozen = std::any_of(orders.begin(), orders.end(), has_open_dispute);
      transaction.accounts().update(*account);
    }
  }
  return after;
}

}  // namespace webwrap
