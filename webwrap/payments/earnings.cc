#include "payments/earnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "domain/text.h"
#include "log/log.h"
#include "payments/earning_facts.h"
#include "payments/stripe_json.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// A payment that is not what was agreed: the metadata that names ours can be given to anything of the operator's account.
[[noreturn]] void fail_mismatch(const std::string& what, const Id& id, const std::string& told, const std::string& agreed) {
  log(Level::error, "payment does not fit what was agreed", {{"of", what}, {"id", id}, {"told", told}, {"agreed", agreed}});
  throw ServiceError(409, "payment_mismatch",
                     fmt::format("The payment of {} {} is {}, but {} was agreed: nothing was booked; the operator must look at it.", what,
                                 id, told, agreed));
}

void check_charge(const FanPayment& payment, const StripeCharge& charge) {
  if (!charge.paid) return;  // a try that failed moves nothing
  const auto words = [](const std::string& currency, const std::string& destination) {
    return fmt::format("in {} to {}", lower_case(currency), destination.empty() ? "nobody" : destination);
  };
  const std::string told = words(charge.currency, charge.destination), agreed = words(payment.currency, payment.destination);
  const char* what = payment.kind == FanPayment::Kind::tip ? "tip" : "month";
  if (told != agreed) fail_mismatch(what, payment.id, told, agreed);
  if (payment.kind == FanPayment::Kind::tip && charge.amount != payment.amount)
    fail_mismatch(what, payment.id, fmt::format("over {}", charge.amount), fmt::format("{}", payment.amount));
}

/// That a session is the one that was opened.
void check_session(const Id& ours, const std::string& known, const std::string& told) {
  if (!known.empty() && known != told)
    throw ServiceError(409, "session_conflict", fmt::format("{} was opened with checkout session {}, not {}.", ours, known, told));
}

/// The account at Stripe, where another one is in its place; else nothing.
std::string former(Transaction& transaction, const std::string& stripe) {
  return transaction.earnings().former_account(stripe) ? stripe : std::string();
}

bool is_about_invoice(const std::string& type) {
  for (const char* what : {"paid", "payment_succeeded", "payment_failed", "payment_action_required", "voided", "marked_uncollectible"})
    if (type == std::string("invoice.") + what) return true;
  return false;
}

}  // namespace

std::optional<FanSubscription> record_of(EarningStore& earnings, const FanSubscription& one) { return earnings.subscription(one.id); }
std::optional<FanPayment> record_of(EarningStore& earnings, const FanPayment& one) { return earnings.payment(one.id); }
std::optional<RoyaltyTransfer> record_of(EarningStore& earnings, const RoyaltyTransfer& one) { return earnings.transfer(one.id); }

bool Earnings::apply_event(const json& event) {
  const auto data = event.find("data");
  if (data == event.end() || !data->is_object() || !data->contains("object") || !data->at("object").is_object()) return false;
  const json& object = data->at("object");
  const std::string type = text_of(event, "type"), id = text_of(object, "id");
  if (!is_event_that_counts(event, config_.stripe_secret_key)) return false;
  if (type.starts_with("checkout.session.")) return look_at_session(object);
  if (type.starts_with("customer.subscription.")) return look_at_subscription(id), true;
  if (is_about_invoice(type)) return look_at_invoice(id), true;
  if (type.starts_with("charge.dispute.")) {
    const std::string charge = text_of(object, "charge");
    bool known = false, order = false;
    store_.read([&](Transaction& transaction) {
      known = transaction.earnings().payment_of_charge(charge).has_value();
      order = transaction.orders().find_by_payment_intent(text_of(object, "payment_intent")).has_value();
    });
    if (order || (!known && !look_at_charge(charge))) return false;
    return look_at_dispute(object), true;
  }
  if (type == "charge.refunded") return order_of(object).empty() && look_at_charge(id);
  if (type == "refund.failed" || ((type == "refund.updated" || type == "charge.refund.updated") && text_of(object, "status") == "failed"))
    return note_failed_refund(object);
  if (type == "application_fee.refunded") {
    const std::string charge = text_of(object, "originating_transaction");
    return look_at_charge(charge.empty() ? text_of(object, "charge") : charge), true;
  }
  if (type.starts_with("transfer.")) return look_at_transfer(id), true;
  if (type == "account.updated") return look_at_account(id), true;
  if (type.starts_with("payout.")) return look_at_payout(text_of(event, "account"), object), true;
  return false;
}

void Earnings::post(Transaction& transaction, std::vector<LedgerEntry> entries) {
  for (LedgerEntry& entry : entries) {
    entry.time = clock_.now();
    transaction.ledger().post(entry);
  }
}

void Earnings::take(Transaction& transaction, const FanPayment& before, FanPayment after) {
  EarningStore& earnings = transaction.earnings();
  if (after.state == FanPayment::State::paid && after.paid == 0) after.paid = clock_.now();
  // What a bank gave back to the fan is the artist's loss, not the service's.
  after.recovering = std::min(lost_in_disputes(after), after.charged);
  earnings.save(after);
  const std::vector<LedgerEntry> entries = entries_of(before, after, former(transaction, after.destination));
  post(transaction, entries);
  const Money left = entries.empty() ? 0 : transaction.ledger().balance(connected_account(after.currency, after.artist));
  if (left < 0) log(Level::warning, "an artist's account at Stripe is below zero", {{"artist", after.artist}, {"balance", left}});
  auto subscription = earnings.subscription(after.subscription);
  if (!subscription) return;
  subscription->paid_through = paid_through(earnings.payments_of_subscription(subscription->id));
  if (is_disputed(after)) subscription->end_wanted = true;  // a fan who takes money back does not want to go on
  earnings.save(*subscription);
}

void Earnings::take(Transaction& transaction, const RoyaltyTransfer& before, const StripeTransfer& told) {
  const RoyaltyTransfer after = merge(before, told, clock_.now());
  transaction.earnings().save(after);
  post(transaction, entries_of(before, after, former(transaction, after.destination)));
}

/// A bank did not take the money that went back to a fan. What is known only grows, so the books leave it given back; a person has to see.
bool Earnings::note_failed_refund(const json& refund) {
  const std::string charge = text_of(refund, "charge");
  log(Level::error, "a refund failed: its money came back to the service", {{"refund", text_of(refund, "id")}, {"charge", charge}});
  bool known = false;
  store_.write([&](Transaction& transaction) {
    auto payment = transaction.earnings().payment_of_charge(charge);
    known = payment.has_value();
    if (!known) return;
    payment->refund_failed = true;
    transaction.earnings().save(*payment);
  });
  return known;
}

// ---- looking ----

bool Earnings::look_at_session(const json& session) {
  const std::string subscription = metadata_of(session, "subscription_id"), tip = metadata_of(session, "tip_id");
  if (subscription.empty() && tip.empty()) return false;
  const std::string id = text_of(session, "id");
  const auto told = gateway_.find_checkout(id);
  if (!told) return true;
  std::optional<FanSubscription> known_subscription;
  std::optional<FanPayment> known_tip;
  store_.read([&](Transaction& transaction) {
    known_subscription = transaction.earnings().subscription(subscription);
    known_tip = transaction.earnings().payment(tip);
  });
  if (known_subscription) take_session(*known_subscription, *told);
  if (known_tip && known_tip->kind == FanPayment::Kind::tip) take_session(*known_tip, *told);
  return true;
}

FanSubscription Earnings::take_session(const FanSubscription& subscription, const CheckoutSession& session) {
  check_session(subscription.id, subscription.session, session.id);
  FanSubscription now = subscription;
  store_.write([&](Transaction& transaction) {
    now = transaction.earnings().subscription(subscription.id).value_or(now);
    check_session(now.id, now.session, session.id);
    now = merge(now, session);
    transaction.earnings().save(now);
  });
  if (session.subscription.empty()) return now;
  look_at_subscription(session.subscription);
  store_.read([&](Transaction& transaction) { now = transaction.earnings().subscription(subscription.id).value_or(now); });
  return now;
}

FanPayment Earnings::take_session(const FanPayment& tip, const CheckoutSession& session) {
  FanPayment now = tip;
  store_.write([&](Transaction& transaction) {
    now = transaction.earnings().payment(tip.id).value_or(now);
    check_session(now.id, now.session, session.id);
    now = merge(now, session);
    transaction.earnings().save(now);
  });
  if (session.payment_intent.empty()) return now;
  const std::string charge = gateway_.charge_of_payment(session.payment_intent);
  if (!charge.empty()) look_at_charge(charge);
  store_.read([&](Transaction& transaction) { now = transaction.earnings().payment(tip.id).value_or(now); });
  return now;
}

template <class Thing>
void Earnings::expire(const Thing& thing) {
  store_.write([&](Transaction& transaction) {
    auto now = record_of(transaction.earnings(), thing);
    if (!now || now->state != Thing::State::created) return;
    now->state = Thing::State::expired;
    now->end_wanted = true;  // should Stripe have opened the session after all
    transaction.earnings().save(*now);
  });
}

void Earnings::give_up(const FanSubscription& subscription) { expire(subscription); }
void Earnings::give_up(const FanPayment& tip) { expire(tip); }

template <class Thing>
void Earnings::close_session(const Thing& thing) {
  if (thing.session.empty()) return give_up(thing);
  gateway_.expire_checkout(thing.session);
  if (const auto session = gateway_.find_checkout(thing.session)) take_session(thing, *session);
}

void Earnings::end_session(const FanSubscription& subscription) { close_session(subscription); }
void Earnings::end_session(const FanPayment& tip) { close_session(tip); }

void Earnings::look_at_account(const std::string& stripe) {
  std::int64_t look = 0;
  bool known = false;
  store_.write([&](Transaction& transaction) {
    known = transaction.earnings().payout_account_of(stripe).has_value();
    if (known) look = transaction.earnings().next_look();
  });
  if (!known) return;
  const auto told = gateway_.find_account(stripe);
  if (!told) require_right_key(stripe);
  store_.write([&](Transaction& transaction) {
    auto account = transaction.earnings().payout_account_of(stripe);
    if (!account || look <= account->looked) return;
    account->looked = look;
    account->transfers = told && told->transfers;
    account->payouts = told && told->payouts;
    account->submitted = told && told->submitted;
    account->missing = told ? told->missing : PayoutAccount::closed;
    transaction.earnings().save(*account);
  });
}

/// To a key of another account or mode of Stripe's every account of ours is one that it does not reach, as if it were closed. The right
/// one finds what went to it.
void Earnings::require_right_key(const std::string& account) {
  std::string charge, transfer;
  store_.read([&](Transaction& transaction) {
    charge = transaction.earnings().charge_to(account);
    transfer = transaction.earnings().transfer_to(account);
  });
  bool right = true;
  if (!charge.empty())
    right = gateway_.find_charge(charge).has_value();
  else if (!transfer.empty())
    right = gateway_.find_transfer(transfer).has_value();
  else
    gateway_.events_after("");  // throws where the key is none at all
  if (right) return;
  log(Level::error, "the Stripe key does not reach what an account got: is it the one of this service?", {{"account", account}});
  throw ServiceError(502, "payment_provider", "The payment provider does not know this service's payments; please tell the operator.");
}

void Earnings::look_at_subscription(const std::string& stripe) {
  std::int64_t look = 0;
  store_.write([&](Transaction& transaction) { look = transaction.earnings().next_look(); });
  const auto told = gateway_.find_subscription(stripe);
  if (!told) return;
  bool ours = false;
  store_.write([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    auto known = earnings.subscription_of(stripe);
    if (!known) known = earnings.subscription(told->subscription);
    if (!known) return;
    if (!known->stripe.empty() && known->stripe != stripe)
      throw ServiceError(409, "session_conflict", fmt::format("Subscription {} is Stripe's {}, not {}.", known->id, known->stripe, stripe));
    ours = true;
    earnings.save(merge(*known, *told, look));
  });
  if (ours && !told->latest_invoice.empty()) look_at_invoice(told->latest_invoice);
}

void Earnings::look_at_invoice(const std::string& id) {
  const auto invoice = gateway_.find_invoice(id);
  if (!invoice || invoice->subscription.empty()) return;
  std::optional<FanSubscription> subscription;
  const auto find = [&](Transaction& transaction) { subscription = transaction.earnings().subscription_of(invoice->subscription); };
  store_.read(find);
  if (!subscription) {  // its first event may come later
    const auto told = gateway_.find_subscription(invoice->subscription);
    if (!told || told->subscription.empty()) return;
    store_.write([&](Transaction& transaction) {
      find(transaction);
      const auto known = transaction.earnings().subscription(told->subscription);
      if (subscription || !known || !known->stripe.empty()) return;
      transaction.earnings().save(merge(*known, *told, 0));
      find(transaction);
    });
    if (!subscription) return;
  }
  const auto charge = invoice->charge.empty() ? std::nullopt : gateway_.find_charge(invoice->charge);
  store_.write([&](Transaction& transaction) {
    const auto known = transaction.earnings().payment(id);
    FanPayment before = known ? *known : month_of(*subscription, *invoice);
    if (!known) before.created = clock_.now();
    FanPayment after = merge(before, *invoice);
    if (charge) {
      check_charge(after, *charge);
      after = merge(after, *charge);
    }
    take(transaction, before, after);
  });
}

bool Earnings::look_at_charge(const std::string& id) {
  const auto charge = gateway_.find_charge(id);
  if (!charge || !charge->order.empty()) return false;
  bool ours = false;
  store_.write([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    auto payment = earnings.payment_of_charge(id);
    if (!payment && !charge->tip.empty()) payment = earnings.payment(charge->tip);
    if (!payment) return;
    ours = true;
    if (!payment->charge.empty() && payment->charge != id) return;  // another try of the same payment
    check_charge(*payment, *charge);
    take(transaction, *payment, merge(*payment, *charge));
  });
  if (ours || charge->invoice.empty()) return ours;
  look_at_invoice(charge->invoice);
  store_.read([&](Transaction& transaction) { ours = transaction.earnings().payment_of_charge(id).has_value(); });
  return ours;
}

void Earnings::look_at_dispute(const json& dispute) {
  const std::string status = text_of(dispute, "status");
  DisputeFact fact{text_of(dispute, "id"), "", amount_of(dispute, "amount")};
  if (status == "needs_response" || status == "under_review")
    fact.state = "open";
  else if (status == "lost")
    fact.state = "lost";
  else if (status == "won" || status == "charge_refunded" || status == "prevented")
    fact.state = "won";
  if (fact.state.empty() || fact.id.empty()) return;  // an inquiry moves no money
  store_.write([&](Transaction& transaction) {
    const auto payment = transaction.earnings().payment_of_charge(text_of(dispute, "charge"));
    if (payment) take(transaction, *payment, merge(*payment, fact));
  });
}

void Earnings::look_at_transfer(const std::string& stripe) {
  const auto told = gateway_.find_transfer(stripe);
  if (!told) return;
  bool ours = false;
  store_.write([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    auto known = earnings.transfer_of(stripe);
    if (!known) known = earnings.transfer(told->transfer);
    if (!known || (!known->stripe.empty() && known->stripe != stripe)) return;
    ours = true;
    if (is_the_one(*known, *told)) take(transaction, *known, *told);
  });
  if (!ours && !told->charge.empty()) look_at_charge(told->charge);
}

void Earnings::look_at_payout(const std::string& account, const json& payout) {
  const std::string id = text_of(payout, "id");
  Id owner;
  bool closed = false;
  const auto find_owner = [&](Transaction& transaction) {
    const auto now = transaction.earnings().payout_account_of(account);
    const auto before = transaction.earnings().former_account(account);
    owner = now ? now->account : before ? before->account : Id();
    closed = now ? now->is_closed() : before.has_value();
  };
  store_.read(find_owner);
  if (owner.empty()) return;
  std::optional<StripePayout> told;
  if (!closed) try {
      told = gateway_.find_payout(account, id);
    } catch (const ServiceError&) {  // it may be closed, which no event tells
      look_at_account(account);
      store_.read(find_owner);
      if (!closed) throw;
    }
  // Stripe answers nothing about a closed account: what its event says is all that there is.
  if (closed) told = payout_of(payout);
  if (!told) return;
  store_.write([&](Transaction& transaction) {
    Payout before;
    before.id = id;
    before.account = owner;
    before.created = clock_.now();
    before = transaction.earnings().payout(id).value_or(before);
    const Payout after = merge(before, *told);
    transaction.earnings().save(after);
    post(transaction, entries_of(before, after, former(transaction, account)));
  });
}

}  // namespace webwrap
