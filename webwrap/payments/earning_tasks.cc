#include "payments/earning_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "domain/month.h"
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

// What failed waits. Stripe repeats a refusal under the same idempotency key, so they are counted: the number is part of the next key.
// Ending a subscription has no key.
void put_off(FanSubscription& subscription, Seconds until, bool) { subscription.retry_at = until; }
void put_off(FanPayment& payment, Seconds until, bool refused) {
  payment.retry_at = until;
  if (refused) ++payment.refusals;
}
void put_off(RoyaltyTransfer& transfer, Seconds until, bool refused) {
  transfer.not_before = until;
  if (refused) ++transfer.refusals;
}

}  // namespace

int EarningTasks::work() {
  if (!gateway_.configured()) return 0;
  const int done =
      end_subscriptions() + end_tips() + refund() + recover() + make_transfers() + send_transfers() + check_overdue() + check_waiting();
  walk_events();
  return done;
}

template <class Thing>
std::vector<Thing> EarningTasks::claim(const List<Thing>& list, const Mark<Thing>& mark) {
  std::vector<Thing> all;
  store_.write([&](Transaction& transaction) {
    all = list(transaction.earnings());
    for (Thing& thing : all) {
      mark(thing);
      transaction.earnings().save(thing);
    }
  });
  return all;
}

template <class Thing>
std::vector<Thing> EarningTasks::claim_to_do(const List<Thing>& list) {
  return claim<Thing>(list, [&](Thing& thing) { thing.retry_at = clock_.now() + failed_retry_after; });
}

template <class Thing>
std::vector<Thing> EarningTasks::claim_to_check(const List<Thing>& list) {
  return claim<Thing>(list, [&](Thing& thing) { thing.checked = clock_.now(); });
}

template <class Thing, class Work>
int EarningTasks::run_each(const std::vector<Thing>& things, const char* what, OnFailure on_failure, const Work& work) {
  int done = 0;
  for (const Thing& thing : things) {
    try {
      work(thing);
      ++done;
    } catch (const ServiceError& error) {
      log(Level::warning, std::string(what) + " failed", {{"id", thing.id}, {"code", error.code()}});
      if (on_failure == OnFailure::try_later) try_later(thing, error.code() == "payment_refused");
    }
  }
  return done;
}

template <class Thing>
void EarningTasks::try_later(const Thing& thing, bool refused) {
  store_.write([&](Transaction& transaction) {
    auto now = record_of(transaction.earnings(), thing);
    put_off(*now, clock_.now() + (refused ? refused_retry_after : failed_retry_after), refused);
    transaction.earnings().save(*now);
  });
}

// ---- what is to be done ----

int EarningTasks::end_subscriptions() {
  const auto all =
      claim_to_do<FanSubscription>([&](EarningStore& earnings) { return earnings.subscriptions_to_end(clock_.now(), at_once); });
  return run_each(all, "ending a subscription", OnFailure::try_later, [&](const FanSubscription& subscription) {
    if (subscription.stripe.empty()) return earnings_.end_session(subscription);
    gateway_.end_subscription(subscription.stripe);
    earnings_.look_at_subscription(subscription.stripe);
  });
}

int EarningTasks::end_tips() {
  const auto all = claim_to_do<FanPayment>([&](EarningStore& earnings) { return earnings.tips_to_end(clock_.now(), at_once); });
  return run_each(all, "ending a tip's session", OnFailure::try_later, [&](const FanPayment& tip) { earnings_.end_session(tip); });
}

int EarningTasks::refund() {
  const auto all = claim_to_do<FanPayment>([&](EarningStore& earnings) { return earnings.payments_to_refund(clock_.now(), at_once); });
  return run_each(all, "a refund", OnFailure::try_later, [&](const FanPayment& payment) {
    gateway_.refund(payment);
    earnings_.look_at_charge(payment.charge);
  });
}

int EarningTasks::recover() {
  const auto all = claim_to_do<FanPayment>([&](EarningStore& earnings) { return earnings.payments_to_recover(clock_.now(), at_once); });
  return run_each(all, "taking a disputed payment back from its artist", OnFailure::try_later, [&](const FanPayment& payment) {
    gateway_.recover(payment);  // what was lost at the moment at which it was read
    store_.write([&](Transaction& transaction) {
      auto now = transaction.earnings().payment(payment.id);
      now->recovered = std::max(now->recovered, payment.recovering);
      transaction.earnings().save(*now);
    });
    earnings_.look_at_charge(payment.charge);
  });
}

int EarningTasks::make_transfers() {
  int made = 0;
  const Seconds until = month_start(clock_.now() - config_.royalty_hold_s) - 1;  // whole months
  const Mills least = std::max<Money>(config_.royalty_threshold, 1) * mills_per_unit;
  std::vector<EarningStore::Due> owed;
  store_.read([&](Transaction& transaction) { owed = transaction.earnings().due(until, least); });
  if (owed.empty()) return 0;
  store_.write([&](Transaction& transaction) {
    EarningStore& earnings = transaction.earnings();
    for (const EarningStore::Due& one : earnings.due(until, least)) {
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
      LedgerEntry entry = owed_entry(transfer);
      entry.time = clock_.now();
      transaction.ledger().post(entry);
      ++made;
    }
  });
  return made;
}

int EarningTasks::send_transfers() {
  std::vector<RoyaltyTransfer> all;
  store_.read([&](Transaction& transaction) { all = transaction.earnings().transfers_to_send(clock_.now(), at_once); });
  return run_each(all, "a transfer", OnFailure::try_later, [&](const RoyaltyTransfer& transfer) { send(transfer); });
}

void EarningTasks::send(const RoyaltyTransfer& transfer) {
  const StripeTransfer sent = gateway_.send_transfer(transfer);
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
    earnings_.take(transaction, *before, sent);
  });
}

// ---- what no event told ----

int EarningTasks::check_overdue() {
  const Seconds now = clock_.now();
  const auto all = claim_to_check<FanSubscription>(
      [&](EarningStore& earnings) { return earnings.overdue_subscriptions(now - overdue_after, now - check_overdue_every, at_once); });
  return run_each(all, "asking about a subscription", OnFailure::check_next_time, [&](const FanSubscription& subscription) {
    earnings_.look_at_subscription(subscription.stripe);
    for (const std::string& invoice : gateway_.invoices_of(subscription.stripe)) {
      bool paid = false;
      store_.read([&](Transaction& transaction) {
        const auto month = transaction.earnings().payment(invoice);
        paid = month && month->state == FanPayment::State::paid;
      });
      if (!paid) earnings_.look_at_invoice(invoice);
    }
  });
}

/// A fan may pay and close the browser, and the event may get lost.
int EarningTasks::check_waiting() {
  const Seconds opened = clock_.now() - overdue_after, checked = clock_.now() - check_overdue_every;
  const auto subscriptions =
      claim_to_check<FanSubscription>([&](EarningStore& earnings) { return earnings.waiting_subscriptions(opened, checked, at_once); });
  const auto tips = claim_to_check<FanPayment>([&](EarningStore& earnings) { return earnings.waiting_tips(opened, checked, at_once); });
  const auto look = [&](const auto& thing) {
    if (const auto session = gateway_.find_checkout(thing.session)) earnings_.take_session(thing, *session);
  };
  return run_each(subscriptions, "asking about a session", OnFailure::check_next_time, look) +
         run_each(tips, "asking about a session", OnFailure::check_next_time, look);
}

/// Events that got lost are found in Stripe's own list, once a day; some at a time, so that the rest of the work goes on.
void EarningTasks::walk_events() {
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
void EarningTasks::apply_lost(const json& event) {
  try {
    earnings_.apply_event(event);
  } catch (const ServiceError& error) {
    if (error.status() >= 500) throw;
    log(Level::error, "an event is refused", {{"id", text_of(event, "id")}, {"code", error.code()}});
  }
}

}  // namespace webwrap
