#include "payments/earning_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace webwrap {
namespace {

using nlohmann::json;

template <class State>
void advance(State& state, State to) {
  state = std::max(state, to);  // enumerators stand in their order
}

void grow(Money& sum, Money to) { sum = std::max(sum, to); }

void learn(std::string& text, const std::string& told) {
  if (text.empty()) text = told;
}

json disputes_of(const FanPayment& payment) { return payment.disputes.empty() ? json::object() : json::parse(payment.disputes); }

bool has_dispute(const FanPayment& payment, const char* state) {
  for (const auto& dispute : disputes_of(payment))
    if (dispute.at("state") == state) return true;
  return false;
}

int progress_of_dispute(const std::string& state) { return state == "open" ? 0 : state == "lost" ? 1 : 2; }

/// What of a payment lies where.
struct Places {
  Money fans = 0, connected = 0;
};

Places places_of(const FanPayment& payment) {
  if (payment.state != FanPayment::State::paid) return {};
  // A fan may get the same money twice, from the artist and from his bank: then it is more than was charged.
  return {payment.refunded + lost_in_disputes(payment) - payment.charged,
          payment.charged - payment.fee - payment.reversed + payment.fee_refunded};
}

void post(LedgerEntry& entry, const std::string& account, std::int64_t amount) {
  if (amount != 0) entry.postings.push_back({account, amount});
}

std::vector<LedgerEntry> as_list(LedgerEntry entry) {
  if (entry.postings.empty()) return {};
  return {std::move(entry)};
}

LedgerEntry named(std::string key, std::string kind, std::string note) {
  LedgerEntry entry;
  entry.key = std::move(key);
  entry.kind = std::move(kind);
  entry.note = std::move(note);
  return entry;
}

/// A session's own state: created, pending, expired; whether it was paid is told by what it made.
template <class State>
State state_of(const CheckoutSession& session) {
  return session.status == "expired" ? State::expired : State::pending;
}

}  // namespace

FanSubscription merge(FanSubscription known, const CheckoutSession& session) {
  using State = FanSubscription::State;
  learn(known.session, session.id);
  learn(known.checkout_url, session.url);
  learn(known.stripe, session.subscription);
  advance(known.state, state_of<State>(session));
  return known;
}

FanSubscription merge(FanSubscription known, const StripeSubscription& told, std::int64_t look) {
  using State = FanSubscription::State;
  learn(known.stripe, told.id);
  if (told.status == "canceled" || told.status == "incomplete_expired") {
    advance(known.state, State::ended);
    known.ended = std::max(known.ended, told.ended);
  } else if (told.status != "incomplete") {
    advance(known.state, State::active);
  }
  if (look > known.looked) {
    known.looked = look;
    known.cancels = told.cancels;
    known.late = told.status == "past_due" || told.status == "unpaid";
  }
  return known;
}

FanPayment month_of(const FanSubscription& subscription, const StripeInvoice& invoice) {
  FanPayment payment;
  payment.id = invoice.id;
  payment.kind = FanPayment::Kind::month;
  payment.subscription = subscription.id;
  payment.fan = subscription.fan;
  payment.artist = subscription.artist;
  payment.currency = subscription.currency;
  payment.destination = subscription.destination;
  payment.fee_permille = subscription.fee_permille;
  return payment;
}

FanPayment merge(FanPayment known, const StripeInvoice& invoice) {
  using State = FanPayment::State;
  grow(known.amount, invoice.due);
  known.period_start = std::max(known.period_start, invoice.period_start);
  known.period_end = std::max(known.period_end, invoice.period_end);
  if (invoice.status == "paid") {
    advance(known.state, State::paid);
    // A free month has no charge; one that failed before is none that counts.
    if (invoice.paid > 0) learn(known.charge, invoice.charge);
  } else if (invoice.status == "void" || invoice.status == "uncollectible" || invoice.attempts > 0) {
    advance(known.state, State::failed);
  } else {
    advance(known.state, State::pending);
  }
  return known;
}

FanPayment merge(FanPayment known, const CheckoutSession& session) {
  using State = FanPayment::State;
  learn(known.session, session.id);
  learn(known.checkout_url, session.url);
  advance(known.state, state_of<State>(session));
  return known;
}

FanPayment merge(FanPayment known, const StripeCharge& charge) {
  if (!charge.paid) return known;
  learn(known.charge, charge.id);
  learn(known.transfer, charge.transfer);
  advance(known.state, FanPayment::State::paid);
  grow(known.charged, charge.amount);
  grow(known.fee, charge.fee);
  grow(known.refunded, charge.refunded);
  grow(known.reversed, charge.reversed);
  grow(known.fee_refunded, charge.fee_refunded);
  return known;
}

FanPayment merge(FanPayment known, const DisputeFact& told) {
  json disputes = disputes_of(known);
  json& dispute = disputes.emplace(told.id, json{{"state", "open"}, {"amount", 0}}).first.value();
  if (progress_of_dispute(told.state) > progress_of_dispute(dispute.at("state"))) dispute["state"] = told.state;
  dispute["amount"] = std::max(dispute.at("amount").get<Money>(), told.amount);
  known.disputes = disputes.dump();
  return known;
}

Payout merge(Payout known, const StripePayout& told) {
  using State = Payout::State;
  if (told.amount != 0) known.amount = told.amount;  // it never changes
  learn(known.currency, told.currency);
  known.arrival = std::max(known.arrival, told.arrival);
  // A bank may send back what was paid out already.
  advance(known.state, told.status == "paid"                                  ? State::paid
                       : told.status == "failed" || told.status == "canceled" ? State::failed
                                                                              : State::pending);
  return known;
}

RoyaltyTransfer merge(RoyaltyTransfer transfer, const StripeTransfer& told, Seconds now) {
  transfer.stripe = told.id;
  transfer.state = RoyaltyTransfer::State::sent;
  if (transfer.sent == 0) transfer.sent = now;
  transfer.reversed = std::max(transfer.reversed, told.reversed);
  return transfer;
}

bool is_the_one(const RoyaltyTransfer& transfer, const StripeTransfer& told) {
  return told.amount == transfer.amount && (told.currency.empty() || told.currency == transfer.currency);
}

Money lost_in_disputes(const FanPayment& payment) {
  Money lost = 0;
  for (const auto& dispute : disputes_of(payment))
    if (dispute.at("state") == "lost") lost += dispute.at("amount").get<Money>();
  return lost;
}

bool has_undecided_dispute(const FanPayment& payment) { return has_dispute(payment, "open"); }

bool is_disputed(const FanPayment& payment) { return has_undecided_dispute(payment) || has_dispute(payment, "lost"); }

bool counts(const FanPayment& payment) {
  const bool kept = payment.charged > 0 ? payment.refunded < payment.charged : payment.amount == 0;
  return payment.state == FanPayment::State::paid && kept && !is_disputed(payment);
}

Seconds paid_through(const std::vector<FanPayment>& payments) {
  Seconds end = 0;
  for (const FanPayment& payment : payments)
    if (counts(payment)) end = std::max(end, payment.period_end);
  return end;
}

bool is_subscriber(const FanSubscription& subscription, Seconds now) {
  const bool renews = subscription.state == FanSubscription::State::active && !subscription.cancels && !subscription.end_wanted;
  return subscription.paid_through > 0 && now < subscription.paid_through + (renews ? renewal_grace : 0);
}

std::vector<LedgerEntry> entries_of(const FanPayment& before, const FanPayment& after, const std::string& former) {
  const Places was = places_of(before), is = places_of(after);
  const Money fans = is.fans - was.fans, connected = is.connected - was.connected;
  const bool arrives = was.fans == 0 && is.fans != 0;
  const bool month = after.kind == FanPayment::Kind::month;
  const char* kind = arrives                             ? (month ? "fan_month" : "fan_tip")
                     : after.disputes != before.disputes ? "fan_dispute"
                     : fans != 0                         ? "fan_refund"
                                                         : "fan_correction";
  const char* note = arrives                             ? (month ? "A month of a subscription" : "A tip")
                     : after.disputes != before.disputes ? "A disputed payment"
                     : fans != 0                         ? "A payment given back"
                                                         : "Taken back from the artist's account";
  // What is known only grows, so no two entries of a payment have the same key.
  LedgerEntry entry = named(fmt::format("fan:{}:{}/{}/{}/{}/{}:{}", after.id, after.charged, after.fee, after.refunded, after.reversed,
                                        after.fee_refunded, after.disputes),
                            kind, note);
  post(entry, fans_account(after.currency), fans);
  post(entry, connected_account(after.currency, former.empty() ? after.artist : former), connected);
  post(entry, service_account(after.currency), -fans - connected);
  return as_list(std::move(entry));
}

std::vector<LedgerEntry> entries_of(const Payout& before, const Payout& after, const std::string& former) {
  const auto out = [](const Payout& payout) { return payout.state == Payout::State::paid ? payout.amount : 0; };
  const Money more = out(after) - out(before);
  const bool back = out(before) != 0;
  LedgerEntry entry = named(fmt::format("payout:{}:{}", after.id, name_of(after.state)), back ? "payout_failed" : "payout",
                            back ? "The bank sent a payout back" : "Paid out to the bank");
  post(entry, connected_account(after.currency, former.empty() ? after.account : former), -more);
  post(entry, bank_account(after.currency, after.account), more);
  return as_list(std::move(entry));
}

LedgerEntry owed_entry(const RoyaltyTransfer& transfer) {
  LedgerEntry entry = named(fmt::format("transfer:{}:owed", transfer.id), "royalty_transfer", "Royalties on their way");
  const Mills amount = transfer.amount * mills_per_unit;
  post(entry, royalties_account(transfer.currency, transfer.owner), -amount);
  post(entry, royalties_paid_account(transfer.currency, transfer.owner), amount);
  return entry;
}

std::vector<LedgerEntry> entries_of(const RoyaltyTransfer& before, const RoyaltyTransfer& after, const std::string& former) {
  const auto arrived = [](const RoyaltyTransfer& transfer) {
    return transfer.state == RoyaltyTransfer::State::sent ? transfer.amount - transfer.reversed : 0;
  };
  const Money more = arrived(after) - arrived(before);
  LedgerEntry entry = named(fmt::format("transfer:{}:sent:{}", after.id, after.reversed), more < 0 ? "transfer_reversal" : "royalties",
                            more < 0 ? "Royalties taken back" : "Royalties");
  post(entry, royalty_costs_account(after.currency), -more);
  post(entry, connected_account(after.currency, former.empty() ? after.owner : former), more);
  return as_list(std::move(entry));
}

}  // namespace webwrap
