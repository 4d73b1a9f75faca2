#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "domain/error.h"
#include "payments/connect_gateway.h"
#include "payments/stripe_api.h"

namespace webwrap::testing {

/// Stripe within the process, as far as earning goes: accounts, subscriptions with invoices, charges with their transfers and fees,
/// disputes, payouts. What happens there is told by `events`, in the order in which it happened; tests deliver them as they like.
class FakeConnect : public ConnectGateway {
 public:
  struct Charge : StripeCharge {
    std::map<std::string, Money> disputes;   ///< what was lost by each
    std::set<std::string> open;              ///< disputes that are not decided
    std::map<std::string, Money> recovered;  ///< our reversals
    Money lost() const {
      Money sum = 0;
      for (const auto& [id, amount] : disputes) sum += amount;
      return sum;
    }
  };
  struct Subscription : StripeSubscription {
    std::string destination, currency;
    Money amount = 0;
    int fee_permille = 0, trial_days = 0;
    Seconds period_end = 0;
  };
  struct Session : CheckoutSession {
    FanSubscription subscription_wanted;
    FanPayment tip_wanted;
  };

  // ---- what happens at Stripe ----

  /// The fan pays on Stripe's page.
  void pay(const std::string& session_id) {
    const std::lock_guard lock(mutex);
    Session& session = sessions.at(session_id);
    if (session.status != "open") return;
    session.status = "complete";
    session.payment_status = "paid";
    if (session.tip_wanted.id.empty()) {
      Subscription& made = subscriptions[fmt::format("sub_{}", ++numbers)];
      const FanSubscription& wanted = session.subscription_wanted;
      made.id = fmt::format("sub_{}", numbers);
      made.subscription = wanted.id;
      made.destination = wanted.destination;
      made.currency = wanted.currency;
      made.amount = wanted.amount;
      made.fee_permille = wanted.fee_permille;
      made.trial_days = wanted.trial_days;
      made.status = wanted.trial_days > 0 ? "trialing" : "active";
      session.subscription = made.id;
      tell("customer.subscription.created", {{"id", made.id}});
      invoice(made, made.trial_days > 0 ? 0 : made.amount, true, made.trial_days > 0 ? made.trial_days * day : 30 * day);
      tell("checkout.session.completed", {{"id", session.id}, {"metadata", {{"subscription_id", wanted.id}}}});
    } else {
      const FanPayment& tip = session.tip_wanted;
      Charge& charge = charge_for(tip.currency, tip.amount, share_of(tip.amount, tip.fee_permille, 1000), tip.destination);
      charge.tip = tip.id;
      session.payment_intent = "pi_" + charge.id;
      tell("checkout.session.completed", {{"id", session.id}, {"metadata", {{"tip_id", tip.id}}}});
    }
  }
  void expire(const std::string& session_id) {
    const std::lock_guard lock(mutex);
    Session& session = sessions.at(session_id);
    if (session.status != "open") return;
    session.status = "expired";
    const bool tip = !session.tip_wanted.id.empty();
    const std::string id = tip ? session.tip_wanted.id : session.subscription_wanted.id;
    tell("checkout.session.expired", {{"id", session.id}, {"metadata", {{tip ? "tip_id" : "subscription_id", id}}}});
  }
  /// The next month begins: it is paid, or the card is refused.
  void renew(const std::string& id, bool pays = true) {
    const std::lock_guard lock(mutex);
    Subscription& subscription = subscriptions.at(id);
    if (subscription.status == "canceled") return;
    if (subscription.cancels) return end(subscription);
    if (subscription.status == "past_due") return retry(subscription, pays);
    subscription.status = pays ? "active" : "past_due";
    invoice(subscription, subscription.amount, pays, 30 * day);
    tell("customer.subscription.updated", {{"id", id}});
  }
  void cancel(const std::string& id) {
    const std::lock_guard lock(mutex);
    if (subscriptions.at(id).status != "canceled") end(subscriptions.at(id));
  }
  /// By hand, in the dashboard.
  void refund_by_hand(const std::string& id, Money amount, bool reverse) {
    const std::lock_guard lock(mutex);
    refund_some(charges.at(id), amount, reverse);
  }
  void dispute(const std::string& id, const std::string& name, const std::string& status, Money amount) {
    const std::lock_guard lock(mutex);
    Charge& charge = charges.at(id);
    status == "needs_response" ? void(charge.open.insert(name)) : void(charge.open.erase(name));
    if (status == "lost") charge.disputes[name] = amount;
    if (status == "won") charge.disputes.erase(name);
    tell("charge.dispute.updated", {{"id", name}, {"charge", id}, {"amount", amount}, {"status", status}});
  }
  void pay_out(const std::string& account, const std::string& id, const std::string& status, Money amount,
               const std::string& currency = "eur") {
    const std::lock_guard lock(mutex);
    payouts[id] = {id, currency, status, amount, 0};
    tell("payout." + status, {{"id", id}, {"amount", amount}, {"currency", currency}, {"status", status}}, account);
  }
  void set_account(const std::string& id, bool transfers, bool payouts_enabled) {
    const std::lock_guard lock(mutex);
    ConnectedAccount& account = accounts.at(id);
    account.transfers = transfers;
    account.payouts = payouts_enabled;
    account.submitted = true;
    account.missing = transfers && payouts_enabled ? "" : "requirements.past_due";
    tell("account.updated", {{"id", id}}, id);
  }
  void refund_fails(const std::string& charge) {
    const std::lock_guard lock(mutex);
    tell("refund.failed", {{"id", "re_" + charge}, {"charge", charge}, {"status", "failed"}});
  }
  /// The transfer of a fan's payment, all of it.
  void reverse_charge_by_hand(const std::string& id) {
    const std::lock_guard lock(mutex);
    Charge& charge = charges.at(id);
    charge.reversed = charge.amount;
    charge.fee_refunded = charge.fee;
    tell("transfer.reversed", {{"id", charge.transfer}});
  }
  void reverse_by_hand(const std::string& id, Money amount) {
    const std::lock_guard lock(mutex);
    transfers.at(id).reversed += amount;
    tell("transfer.reversed", {{"id", id}});
  }

  // ---- what webwrap asks for ----

  bool configured() const override { return true; }
  ConnectedAccount create_account(const Id& account, const std::string&, const std::string& instead_of) override {
    const std::lock_guard lock(asked());
    const std::string id = instead_of.empty() ? "acct_" + account : instead_of + "_next";
    accounts.emplace(id, ConnectedAccount{id});
    return accounts.at(id);
  }
  std::optional<ConnectedAccount> find_account(const std::string& id) override { return foreign_key ? std::nullopt : find(accounts, id); }
  std::string onboarding_url(const std::string& id, const std::string&, const std::string&) override {
    const std::lock_guard lock(asked());
    return "https://connect.example/" + id;
  }
  std::string dashboard_url(const std::string& id) override { return "https://express.example/" + id; }

  CheckoutSession open_subscription(const FanSubscription& wanted, const std::string& title, const ReturnPages& pages, const std::string&,
                                    RetryPolicy) override {
    Session& session = open(wanted.idempotency_key, title, pages);
    session.subscription_wanted = wanted;
    return lost_or(session);
  }
  CheckoutSession open_tip(const FanPayment& wanted, const std::string& title, const ReturnPages& pages, const std::string&,
                           RetryPolicy) override {
    Session& session = open(wanted.idempotency_key, title, pages);
    session.tip_wanted = wanted;
    return lost_or(session);
  }
  std::optional<CheckoutSession> find_checkout(const std::string& id) override {
    const auto found = find(sessions, id);
    return found ? std::optional<CheckoutSession>(*found) : std::nullopt;
  }
  void expire_checkout(const std::string& id) override {
    asked();
    expire(id);
  }
  std::optional<StripeSubscription> find_subscription(const std::string& id) override {
    const auto found = find(subscriptions, id);
    return found ? std::optional<StripeSubscription>(*found) : std::nullopt;
  }
  StripeSubscription set_cancels(const std::string& id, bool cancels) override {
    const std::lock_guard lock(asked());
    subscriptions.at(id).cancels = cancels;
    tell("customer.subscription.updated", {{"id", id}});
    return subscriptions.at(id);
  }
  void end_subscription(const std::string& id) override {
    asked();
    cancel(id);
    lose();
  }
  std::optional<StripeInvoice> find_invoice(const std::string& id) override { return find(invoices, id); }
  std::optional<StripeCharge> find_charge(const std::string& id) override {
    const auto found = find(charges, id);
    return found && !foreign_key ? std::optional<StripeCharge>(*found) : std::nullopt;
  }
  std::string charge_of_payment(const std::string& payment_intent) override {
    asked();
    return payment_intent.substr(3);
  }

  void refund(const FanPayment& payment) override {
    {
      const std::lock_guard lock(asked());
      Charge& charge = known_charge(payment.charge);
      require_open(charge.destination);
      if (!charge.open.empty()) throw ServiceError(409, "payment_refused", "charge_disputed");
      refund_some(charge, charge.amount - charge.refunded, true);
    }
    lose();
  }
  void recover(const FanPayment& payment) override {
    {
      const std::lock_guard lock(asked());
      Charge& charge = known_charge(payment.charge);
      Money done = 0;
      for (const auto& [mark, amount] : charge.recovered) done += amount;
      const Money amount = std::min(charge.amount - charge.reversed, payment.recovering - done);
      if (amount <= 0) return;
      require_open(charge.destination);
      charge.recovered[std::to_string(charge.recovered.size())] = amount;
      charge.fee_refunded += share_of(charge.fee, amount, charge.amount);
      charge.reversed += amount;
      tell("transfer.reversed", {{"id", charge.transfer}});
    }
    lose();
  }
  StripeTransfer send_transfer(const RoyaltyTransfer& transfer) override {
    StripeTransfer sent;
    {
      const std::lock_guard lock(asked());
      for (const auto& [id, made] : transfers)
        if (made.transfer == transfer.id && (made.amount == transfer.amount || made.reversed < made.amount)) return made;
      if (poor) throw ServiceError(409, "payment_refused", "balance_insufficient");
      sent = {fmt::format("tr_{}", ++numbers), transfer.id, "", transfer.currency, transfer.amount, 0};
      destinations[sent.id] = transfer.destination;
      transfers[sent.id] = sent;
      tell("transfer.created", {{"id", sent.id}});
    }
    lose();
    return sent;
  }
  std::optional<StripeTransfer> find_transfer(const std::string& id) override {
    if (const auto found = find(transfers, id)) return found;
    const std::lock_guard lock(mutex);
    for (const auto& [charge_id, charge] : charges)
      if (charge.transfer == id) return StripeTransfer{id, "", charge_id, charge.currency, charge.amount, charge.reversed};
    return std::nullopt;
  }
  std::optional<StripePayout> find_payout(const std::string& account, const std::string& id) override {
    if (foreign_key || !accounts.contains(account)) throw StripeRefusal("account_invalid");
    return find(payouts, id);
  }

  std::vector<std::string> invoices_of(const std::string& subscription) override {
    const std::lock_guard lock(asked());
    std::vector<std::string> ids;
    for (const auto& [id, invoice] : invoices)
      if (invoice.subscription == subscription) ids.push_back(id);
    return ids;
  }
  EventPage events_after(const std::string& event) override {
    const std::lock_guard lock(asked());
    constexpr std::size_t page = 25;
    if (events.empty()) return {};
    const auto known = places.find(event);
    if (known == places.end() || known->second >= events.size()) return {{events.back()}, false};
    const std::size_t at = known->second + 1;
    const std::size_t end = std::min(at + page, events.size());
    return {std::vector<nlohmann::json>(events.begin() + long(at), events.begin() + long(end)), end < events.size()};
  }

  std::mutex mutex;
  std::vector<nlohmann::json> events;
  std::map<std::string, std::size_t> places;  ///< of events, by their ids
  std::map<std::string, ConnectedAccount> accounts;
  std::map<std::string, Session> sessions;
  std::map<std::string, Subscription> subscriptions;
  std::map<std::string, StripeInvoice> invoices;
  std::map<std::string, Charge> charges;
  std::map<std::string, StripeTransfer> transfers;  ///< of royalties
  std::map<std::string, StripePayout> payouts;
  std::map<std::string, std::string> by_key;
  std::map<std::string, std::string> titles;        ///< by key
  std::map<std::string, std::string> destinations;  ///< of transfers
  std::string last_title;
  ReturnPages last_pages;
  Seconds time = 1'800'000'000;
  int calls = 0, numbers = 0;
  bool down = false, poor = false;
  bool foreign_key = false;  ///< ours is one of another account of Stripe's: it reaches nothing of all this
  bool refuse_sessions = false;
  int lose_answers = 0;  ///< so many of the next calls that change something are done, but their answers are lost

 private:
  std::set<std::string> refused;  ///< keys
  std::mutex& asked() {
    ++calls;
    if (down) throw ServiceError(502, "payment_provider", "down");
    return mutex;
  }
  Charge& known_charge(const std::string& id) {
    const auto found = charges.find(id);
    if (found == charges.end()) throw ServiceError(409, "payment_refused", "resource_missing");
    return found->second;
  }
  /// Nothing can be taken from an account that was closed.
  void require_open(const std::string& account) {
    if (!accounts.contains(account)) throw ServiceError(409, "payment_refused", "account_invalid");
  }
  void lose() {
    if (lose_answers > 0 && lose_answers-- > 0) throw ServiceError(502, "payment_provider", "lost");
  }
  template <class Thing>
  std::optional<Thing> find(const std::map<std::string, Thing>& all, const std::string& id) {
    const std::lock_guard lock(asked());
    const auto found = all.find(id);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  }
  void tell(const std::string& type, const nlohmann::json& object, const std::string& account = "") {
    nlohmann::json event = {{"id", fmt::format("evt_{}", ++numbers)}, {"type", type}, {"data", {{"object", object}}}};
    if (!account.empty()) event["account"] = account;
    places[event.at("id")] = events.size();
    events.push_back(event);
  }
  Session& open(const std::string& key, const std::string& title, const ReturnPages& pages) {
    const std::lock_guard lock(asked());
    // As Stripe: what was answered to a key stays, a refusal too, and it takes no other words.
    if (refuse_sessions) refused.insert(key);
    if (refused.contains(key) || titles.emplace(key, title).first->second != title) throw StripeRefusal("idempotency_error");
    last_title = title;
    last_pages = pages;
    std::string& id = by_key[key];
    if (id.empty()) {
      id = fmt::format("cs_{}", ++numbers);
      sessions[id].id = id;
      sessions[id].url = "https://pay.example/" + id;
      sessions[id].status = "open";
      sessions[id].payment_status = "unpaid";
    }
    return sessions.at(id);
  }
  CheckoutSession lost_or(const Session& session) {
    lose();
    return session;
  }
  void end(Subscription& subscription) {
    subscription.status = "canceled";
    subscription.ended = time;
    tell("customer.subscription.deleted", {{"id", subscription.id}});
  }
  void invoice(Subscription& subscription, Money amount, bool pays, Seconds length) {
    StripeInvoice made;
    made.id = fmt::format("in_{}", ++numbers);
    made.subscription = subscription.id;
    made.currency = subscription.currency;
    made.due = amount;
    made.period_start = std::max(subscription.period_end, time);
    made.period_end = subscription.period_end = made.period_start + length;
    subscription.latest_invoice = made.id;
    settle(subscription, invoices[made.id] = made, pays);
  }
  void retry(Subscription& subscription, bool pays) {
    if (pays) subscription.status = "active";
    settle(subscription, invoices.at(subscription.latest_invoice), pays);
    tell("customer.subscription.updated", {{"id", subscription.id}});
  }
  void settle(Subscription& subscription, StripeInvoice& made, bool pays) {
    made.status = pays ? "paid" : "open";
    ++made.attempts;
    if (pays && made.due > 0) {
      made.paid = made.due;
      Charge& charge = charge_for(made.currency, made.due, share_of(made.due, subscription.fee_permille, 1000), subscription.destination);
      charge.invoice = made.id;
      made.charge = charge.id;
    } else if (!pays) {
      Charge& charge = charge_for(made.currency, made.due, 0, subscription.destination);
      charge.paid = false;
      charge.invoice = made.id;
      made.charge = charge.id;
    }
    tell(pays ? "invoice.paid" : "invoice.payment_failed", {{"id", made.id}});
  }
  Charge& charge_for(const std::string& currency, Money amount, Money fee, const std::string& destination) {
    Charge charge;
    charge.id = fmt::format("ch_{}", ++numbers);
    charge.transfer = fmt::format("tr_{}", charge.id);
    charge.currency = currency;
    charge.destination = destination;
    charge.paid = true;
    charge.amount = amount;
    charge.fee = fee;
    return charges[charge.id] = charge;
  }
  /// With all that Stripe may refuse left out: more than there is, twice.
  void refund_some(Charge& charge, Money amount, bool reverse) {
    amount = std::min(amount, charge.amount - charge.refunded - charge.lost());
    if (amount <= 0 || !charge.paid) return;
    charge.refunded += amount;
    const Money back = reverse ? std::min(amount, charge.amount - charge.reversed) : 0;
    if (reverse) {
      charge.reversed += back;
      charge.fee_refunded = std::max(charge.fee_refunded, share_of(charge.fee, charge.reversed, charge.amount));
    }
    tell("charge.refunded", {{"id", charge.id}});
    if (back > 0) {
      tell("transfer.reversed", {{"id", charge.transfer}});
      tell("application_fee.refunded", {{"id", "fee_" + charge.id}, {"originating_transaction", charge.id}});
    }
  }
};

}  // namespace webwrap::testing
