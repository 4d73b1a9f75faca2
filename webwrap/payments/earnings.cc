#include "payments/earnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "domain/month.h"
#include "domain/text.h"
#include "log/log.h"
#include "payments/earning_facts.h"
#include "payments/stripe_json.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int at_once = 20;                      // things of a kind in one round of work()
constexpr Seconds failed_retry_after = 10 * 60;  // what failed for a passing reason
constexpr Seconds refused_retry_after = day;     // what Stripe refused, for lack of money for example
constexpr Seconds overdue_after = hour;          // a renewal is told within minutes; an event may have been lost
constexpr Seconds check_overdue_every = 6 * hour;

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

/// A transfer may have been made by a later state of this service that a backup was put in the place of: then its sum may be another.
bool is_the_one(const RoyaltyTransfer& transfer, const StripeTransfer& told) {
  return told.amount == transfer.amount && (told.currency.empty() || told.currency == transfer.currency);
}

/// That a session is the one that was opened.
void check_session(const Id& ours, const std::string& known, const std::string& told) {
  if (!known.empty() && known != told)
    throw ServiceError(409, "session_conflict", fmt::format("{} was opened with checkout session {}, not {}.", ours, known, told));
}

bool is_about_invoice(const std::string& type) {
  for (const char* what : {"paid", "payment_succeeded", "payment_failed", "payment_action_required", "voided", "marked_uncollectible"})
    if (type == std::string("invoice.") + what) return true;
  return false;
}

}  // namespace

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
  if (type.starts_with("payout.")) return look_at_payout(text_of(event, "account"), id), true;
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
  const std::vector<LedgerEntry> entries = entries_of(before, after);
  post(transaction, entries);
  const Money left = entries.empty() ? 0 : transaction.ledger().balance(connected_account(after.currency, after.artist));
  if (left < 0) log(Level::warning, "an artist's account at Stripe is below zero", {{"artist", after.artist}, {"balance", left}});
  auto subscription = earnings.subscription(after.subscription);
  if (!subscription) return;
  subscription->paid_through = paid_through(earnings.payments_of_subscription(subscription->id));
  if (is_disputed(after)) subscription->end_wanted = true;  // a fan who takes money back does not want to go on
  earnings.save(*subscription);
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

void Earnings::look_at_account(const std::string& stripe) {
  std::int64_t look = 0;
  bool known = false;
  store_.write([&](Transaction& transaction) {
    known = transaction.earnings().payout_account_of(stripe).has_value();
    if (known) look = transaction.earnings().next_look();
  });
  if (!known) return;
  const auto told = gateway_.find_account(stripe);
  store_.write([&](Transaction& transaction) {
    auto account = transaction.earnings().payout_account_of(stripe);
    if (!account || look <= account->looked) return;
    account->looked = look;
    account->transfers = told && told->transfers;
    account->payouts = told && told->payouts;
    account->submitted = told && told->submitted;
    account->missing = told ? told->missing : "closed";
    transaction.earnings().save(*account);
  });
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
    if (!is_the_one(*known, *told)) return;
    RoyaltyTransfer after = *known;
    after.stripe = stripe;
    after.state = RoyaltyTransfer::State::sent;
    if (after.sent == 0) after.sent = clock_.now();
    after.reversed = std::max(after.reversed, told->reversed);
    earnings.save(after);
    post(transaction, entries_of(*known, after));
  });
  if (!ours && !told->charge.empty()) look_at_charge(told->charge);
}

void Earnings::look_at_payout(const std::string& account, const std::string& id) {
  std::optional<PayoutAccount> owner;
  store_.read([&](Transaction& transaction) { owner = transaction.earnings().payout_account_of(account); });
  if (!owner) return;
  const auto told = gateway_.find_payout(account, id);
  if (!told) return;
  store_.write([&](Transaction& transaction) {
    Payout before;
    before.id = id;
    before.account = owner->account;
    before.created = clock_.now();
    before = transaction.earnings().payout(id).value_or(before);
    const Payout after = merge(before, *told);
    transaction.earnings().save(after);
    post(transaction, entries_of(before, after));
  });
}

// ---- doing ----

namespace {

/// Does `what` for each; what fails is logged and does not keep others waiting. `later`: notes when it is tried again, where that is not
/// noted yet.
template <class Thing, class Do, class Later>
int each(const std::vector<Thing>& things, const char* what, const Do& work, const Later& later) {
  int done = 0;
  for (const Thing& thing : things) {
    try {
      work(thing);
      ++done;
    } catch (const ServiceError& error) {
      log(Level::warning, std::string(what) + " failed", {{"id", thing.id}, {"code", error.code()}});
      later(thing, error.code() == "payment_refused" ? refused_retry_after : failed_retry_after, error.code() == "payment_refused");
    }
  }
  return done;
}

}  // namespace

int Earnings::work() {
  if (!gateway_.configured()) return 0;
  const int done =
      end_subscriptions() + end_tips() + give_back() + recover() + make_transfers() + send_transfers() + check_overdue() + check_waiting();
  walk_events();
  return done;
}

/// Until it is done, the next try is later: another process may do the same.
template <class Thing>
void Earnings::put_off(Transaction& transaction, const std::vector<Thing>& things) const {
  for (Thing thing : things) {
    thing.retry_at = clock_.now() + failed_retry_after;
    transaction.earnings().save(thing);
  }
}

int Earnings::end_subscriptions() {
  std::vector<FanSubscription> all;
  store_.write([&](Transaction& transaction) {
    all = transaction.earnings().subscriptions_to_end(clock_.now(), at_once);
    put_off(transaction, all);
  });
  const auto end = [&](const FanSubscription& subscription) {
    if (!subscription.stripe.empty()) {
      gateway_.end_subscription(subscription.stripe);
      look_at_subscription(subscription.stripe);
      return;
    }
    if (!subscription.session.empty()) {
      gateway_.expire_checkout(subscription.session);
      if (const auto session = gateway_.find_checkout(subscription.session)) take_session(subscription, *session);
      return;
    }
    store_.write([&](Transaction& transaction) {  // Stripe never answered: should there be a session, it is ended when it is heard of
      auto now = transaction.earnings().subscription(subscription.id);
      if (!now || now->state != FanSubscription::State::created) return;
      now->state = FanSubscription::State::expired;
      transaction.earnings().save(*now);
    });
  };
  return each(all, "ending a subscription", end, [&](const FanSubscription& subscription, Seconds wait, bool) {
    store_.write([&](Transaction& transaction) {
      auto now = transaction.earnings().subscription(subscription.id);
      now->retry_at = clock_.now() + wait;
      transaction.earnings().save(*now);
    });
  });
}

namespace {

auto payment_later(Store& store, const Clock& clock) {
  return [&](const FanPayment& payment, Seconds wait, bool refused) {
    store.write([&](Transaction& transaction) {
      auto now = transaction.earnings().payment(payment.id);
      now->retry_at = clock.now() + wait;
      if (refused) ++now->refusals;
      transaction.earnings().save(*now);
    });
  };
}

}  // namespace

int Earnings::end_tips() {
  std::vector<FanPayment> all;
  store_.write([&](Transaction& transaction) {
    all = transaction.earnings().tips_to_end(clock_.now(), at_once);
    put_off(transaction, all);
  });
  const auto end = [&](const FanPayment& tip) {
    if (!tip.session.empty()) {
      gateway_.expire_checkout(tip.session);
      if (const auto session = gateway_.find_checkout(tip.session)) take_session(tip, *session);
      return;
    }
    store_.write([&](Transaction& transaction) {
      auto now = transaction.earnings().payment(tip.id);
      if (!now || now->state != FanPayment::State::created) return;
      now->state = FanPayment::State::expired;
      transaction.earnings().save(*now);
    });
  };
  return each(all, "ending a tip's session", end, payment_later(store_, clock_));
}

int Earnings::give_back() {
  std::vector<FanPayment> all;
  store_.write([&](Transaction& transaction) {
    all = transaction.earnings().payments_to_refund(clock_.now(), at_once);
    put_off(transaction, all);
  });
  return each(
      all, "a refund",
      [&](const FanPayment& payment) {
        gateway_.refund(payment);
        look_at_charge(payment.charge);
      },
      payment_later(store_, clock_));
}

int Earnings::recover() {
  std::vector<FanPayment> all;
  store_.write([&](Transaction& transaction) {
    all = transaction.earnings().payments_to_recover(clock_.now(), at_once);
    put_off(transaction, all);
  });
  return each(
      all, "taking a disputed payment back from its artist",
      [&](const FanPayment& payment) {
        gateway_.recover(payment);  // what was lost at the moment at which it was read
        store_.write([&](Transaction& transaction) {
          auto now = transaction.earnings().payment(payment.id);
          now->recovered = std::max(now->recovered, payment.recovering);
          transaction.earnings().save(*now);
        });
        look_at_charge(payment.charge);
      },
      payment_later(store_, clock_));
}

int Earnings::make_transfers() {
  int made = 0;
  const Seconds until = month_start(clock_.now() - config_.royalty_hold_s) - 1;  // whole months
  std::vector<EarningStore::Due> due;
  store_.read([&](Transaction& transaction) { due = transaction.earnings().due(until, config_.royalty_threshold * mills_per_unit); });
  if (due.empty()) return 0;
  store_.write([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    for (const EarningStore::Due& one : earnings.due(until, std::max<Money>(config_.royalty_threshold, 1) * mills_per_unit)) {
      const auto account = earnings.payout_account(one.owner);
      if (!account || !account->can_earn()) continue;
      RoyaltyTransfer transfer;
      // By its number, not by chance: one that was sent after a backup which is restored by now is found at Stripe.
      const std::vector<RoyaltyTransfer> made_before = earnings.transfers_of(one.owner, std::numeric_limits<int>::max());
      transfer.id = fmt::format("{}-{}-{}", one.owner, one.currency,
                                1 + std::count_if(made_before.begin(), made_before.end(),
                                                  [&](const RoyaltyTransfer& other) { return other.currency == one.currency; }));
      transfer.owner = one.owner;
      transfer.destination = account->stripe;
      transfer.currency = one.currency;
      transfer.amount = one.amount / mills_per_unit;  // the rest waits for the next one
      transfer.created = clock_.now();
      earnings.save(transfer);
      for (Royalty royalty : earnings.royalties_to_settle(one.owner, one.currency, until)) {
        earnings.add(RoyaltyLine{transfer.id, royalty.job, royalty.amount - royalty.settled});
        royalty.settled = royalty.amount;
        earnings.save(royalty);
      }
      post(transaction, {owed_entry(transfer)});
      ++made;
    }
  });
  return made;
}

/// Its account may have been closed at Stripe and another one opened in its place.
RoyaltyTransfer Earnings::to_where_the_owner_is_now(const RoyaltyTransfer& transfer) {
  RoyaltyTransfer now = transfer;
  store_.write([&](Transaction& transaction) {
    const auto account = transaction.earnings().payout_account(transfer.owner);
    if (!account || !account->can_earn() || account->stripe == transfer.destination) return;
    now.destination = account->stripe;
    ++now.refusals;  // a key takes no other destination
    transaction.earnings().save(now);
  });
  return now;
}

int Earnings::send_transfers() {
  std::vector<RoyaltyTransfer> all;
  store_.read([&](Transaction& transaction) { all = transaction.earnings().transfers_to_send(clock_.now(), at_once); });
  return each(
      all, "a transfer",
      [&](const RoyaltyTransfer& transfer) {
        const StripeTransfer sent = gateway_.send_transfer(to_where_the_owner_is_now(transfer));
        if (!is_the_one(transfer, sent)) {
          log(Level::error, "another transfer was made in the place of one",
              {{"transfer", transfer.id}, {"stripe", sent.id}, {"sent", sent.amount}, {"owed", transfer.amount}});
          throw ServiceError(409, "payment_refused",
                             fmt::format("Stripe's transfer {} in the group {} is over {}, but {} is owed: it was made before a backup was "
                                         "restored; the operator must look at it.",
                                         sent.id, transfer.id, sent.amount, transfer.amount));
        }
        store_.write([&](Transaction& transaction) {
          const auto before = transaction.earnings().transfer(transfer.id);
          RoyaltyTransfer after = *before;
          after.stripe = sent.id;
          after.state = RoyaltyTransfer::State::sent;
          if (after.sent == 0) after.sent = clock_.now();
          after.reversed = std::max(after.reversed, sent.reversed);
          transaction.earnings().save(after);
          post(transaction, entries_of(*before, after));
        });
      },
      [&](const RoyaltyTransfer& transfer, Seconds wait, bool refused) {
        store_.write([&](Transaction& transaction) {
          auto now = transaction.earnings().transfer(transfer.id);
          now->not_before = clock_.now() + wait;
          if (refused) ++now->refusals;
          transaction.earnings().save(*now);
        });
      });
}

int Earnings::check_overdue() {
  const Seconds now = clock_.now();
  std::vector<FanSubscription> all;
  store_.write([&](Transaction& transaction) {
    all = transaction.earnings().overdue_subscriptions(now - overdue_after, now - check_overdue_every, at_once);
    for (FanSubscription subscription : all) {
      subscription.checked = now;
      transaction.earnings().save(subscription);
    }
  });
  return each(
      all, "asking about a subscription",
      [&](const FanSubscription& subscription) {
        look_at_subscription(subscription.stripe);
        for (const std::string& invoice : gateway_.invoices_of(subscription.stripe)) {
          bool paid = false;
          store_.read([&](Transaction& transaction) {
            const auto month = transaction.earnings().payment(invoice);
            paid = month && month->state == FanPayment::State::paid;
          });
          if (!paid) look_at_invoice(invoice);
        }
      },
      [](const FanSubscription&, Seconds, bool) {});
}

/// A fan may pay and close the browser, and the event may get lost.
int Earnings::check_waiting() {
  const Seconds now = clock_.now();
  std::vector<FanSubscription> subscriptions;
  std::vector<FanPayment> tips;
  const auto note = [&](Transaction& transaction, auto things) {
    for (auto& thing : things) {
      thing.checked = now;
      transaction.earnings().save(thing);
    }
  };
  store_.write([&](Transaction& transaction) {
    subscriptions = transaction.earnings().waiting_subscriptions(now - overdue_after, now - check_overdue_every, at_once);
    tips = transaction.earnings().waiting_tips(now - overdue_after, now - check_overdue_every, at_once);
    note(transaction, subscriptions);
    note(transaction, tips);
  });
  const auto look = [&](const auto& thing) {
    if (const auto session = gateway_.find_checkout(thing.session)) take_session(thing, *session);
  };
  const auto never_mind = [](const auto&, Seconds, bool) {};
  return each(subscriptions, "asking about a session", look, never_mind) + each(tips, "asking about a session", look, never_mind);
}

/// Events that got lost are found in Stripe's own list, once a day; some at a time, so that the rest of the work goes on.
void Earnings::walk_events() {
  EventWalk walk;
  store_.read([&](Transaction& transaction) { walk = transaction.earnings().event_walk(); });
  if (clock_.now() < walk.at + day) return;
  try {
    const bool first = walk.last.empty();
    const EventPage page = gateway_.events_after(walk.last);
    for (const json& event : page.events) {
      if (!first) apply_lost(event);
      walk.last = text_of(event, "id");
    }
    if (!page.more) walk.at = clock_.now();
  } catch (const ServiceError& error) {  // Stripe does not answer: on from here the next time
    log(Level::warning, "walking through events failed", {{"code", error.code()}, {"last", walk.last}});
  }
  store_.write([&](Transaction& transaction) { transaction.earnings().save(walk); });
}

/// One that does not fit what is known was refused before, and is logged; those after it are not to wait for it.
void Earnings::apply_lost(const json& event) {
  try {
    apply_event(event);
  } catch (const ServiceError& error) {
    if (error.status() >= 500) throw;
    log(Level::error, "an event is refused", {{"id", text_of(event, "id")}, {"code", error.code()}});
  }
}

}  // namespace webwrap
