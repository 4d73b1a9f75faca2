#pragma once
#include <gtest/gtest.h>

#include "fake_connect.h"
#include "fake_gateway.h"
#include "payments/earning_facts.h"
#include "payments/earning_tasks.h"
#include "payments/earnings.h"
#include "payments/fulfilment.h"
#include "service.h"
#include "store/job_end.h"
#include "store/royalties.h"

namespace webwrap::testing {

inline constexpr Money price = 500;
inline constexpr int fee_permille = 100;

/// An artist's shop with its fans, and Stripe.
class Stage {
 public:
  Stage() { service.config.artist_fee_permille = fee_permille; }

  Account add_account() {
    Account account;
    account.id = new_id();
    account.kind = AccountKind::member;
    account.email = account.id + "@example.org";
    service.store->write([&](Transaction& transaction) { transaction.accounts().add(account); });
    return account;
  }
  /// Who can earn.
  Account add_artist() {
    const Account account = add_account();
    let_earn(account);
    return account;
  }
  void let_earn(const Account& account) {
    PayoutAccount payout;
    payout.account = account.id;
    payout.stripe = stripe.create_account(account.id, "", "").id;
    service.store->write([&](Transaction& transaction) { transaction.earnings().save(payout); });
    stripe.set_account(payout.stripe, true, true);
    earnings.look_at_account(payout.stripe);
  }
  FanSubscription subscribe(const Account& fan, const Account& artist, int trial_days = 0) {
    FanSubscription made;
    made.id = new_id();
    made.fan = fan.id;
    made.artist = artist.id;
    made.tier = "tier";
    made.amount = price;
    made.currency = "eur";
    made.fee_permille = fee_permille;
    made.destination = "acct_" + artist.id;
    made.trial_days = trial_days;
    made.idempotency_key = "subscription-" + made.id;
    made.created = service.clock.now();
    service.store->write([&](Transaction& transaction) { transaction.earnings().save(made); });
    return open(made);
  }
  FanSubscription open(const FanSubscription& made) {
    return earnings.take_session(made, stripe.open_subscription(made, "", {}, "", RetryPolicy::once));
  }
  FanPayment give_tip(const Account& fan, const Account& artist, Money amount) {
    FanPayment made;
    made.id = new_id();
    made.kind = FanPayment::Kind::tip;
    made.fan = fan.id;
    made.artist = artist.id;
    made.amount = amount;
    made.currency = "eur";
    made.fee_permille = fee_permille;
    made.destination = "acct_" + artist.id;
    made.idempotency_key = "tip-" + made.id;
    made.created = service.clock.now();
    service.store->write([&](Transaction& transaction) { transaction.earnings().save(made); });
    return earnings.take_session(made, stripe.open_tip(made, "", {}, "", RetryPolicy::once));
  }
  FanSubscription now(const FanSubscription& subscription) {
    FanSubscription found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().subscription(subscription.id).value(); });
    return found;
  }
  FanPayment now(const FanPayment& payment) {
    FanPayment found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().payment(payment.id).value(); });
    return found;
  }
  std::vector<FanPayment> months(const FanSubscription& subscription) {
    std::vector<FanPayment> all;
    service.store->read([&](Transaction& transaction) { all = transaction.earnings().payments_of_subscription(subscription.id); });
    return all;
  }
  void change(const FanPayment& payment, const std::function<void(FanPayment&)>& with) {
    service.store->write([&](Transaction& transaction) {
      FanPayment found = transaction.earnings().payment(payment.id).value();
      with(found);
      transaction.earnings().save(found);
    });
  }
  /// All that Stripe has told since the last call.
  void deliver() {
    while (told < stripe.events.size()) earnings.apply_event(stripe.events[told++]);
  }
  int work() { return tasks.work(); }
  void pass(Seconds seconds) {
    service.clock.time += seconds;
    stripe.time += seconds;
  }
  Money balance(const std::string& account) {
    Money sum = 0;
    service.store->read([&](Transaction& transaction) { sum = transaction.ledger().balance(account); });
    return sum;
  }
  Money has(const Account& artist) { return balance(connected_account("eur", artist.id)); }
  bool listens(const FanSubscription& subscription) { return is_subscriber(now(subscription), service.clock.now()); }
  std::vector<std::string> audit() {
    std::vector<std::string> wrong;
    service.store->read([&](Transaction& transaction) {
      wrong = transaction.ledger().audit();
      for (const std::string& problem : transaction.earnings().audit()) wrong.push_back(problem);
    });
    return wrong;
  }

  /// What the operator is to see to.
  std::vector<std::string> matters() {
    std::vector<std::string> all;
    service.store->read([&](Transaction& transaction) { all = transaction.earnings().attention(service.clock.now()); });
    return all;
  }

  Service service;
  FakeConnect stripe;
  Earnings earnings{service.config, *service.store, stripe, service.clock};
  EarningTasks tasks{service.config, *service.store, stripe, service.clock};
  std::size_t told = 0;
};

/// An artist who can earn, and a fan.
struct EarningsTest : ::testing::Test, Stage {
  /// What the fan paid and Stripe told of.
  FanSubscription subscribed(int trial_days = 0) {
    const FanSubscription made = subscribe(fan, artist, trial_days);
    stripe.pay(made.session);
    deliver();
    return made;
  }
  FanPayment tipped(Money amount) {
    const FanPayment made = give_tip(fan, artist, amount);
    stripe.pay(made.session);
    deliver();
    return made;
  }
  const Account artist = add_artist(), fan = add_account();
};

inline constexpr Mills credit_price = 12'491;  // of 14.99 for 120

/// Payers, voices with owners, jobs, orders that are paid, refunded and disputed.
class Studio : public Stage {
 public:
  Studio() { service.config.royalty_threshold = 100; }

  void add_voice(const std::string& voice, const Account& owner, int permille) {
    service.store->write([&](Transaction& transaction) {
      transaction.earnings().set_owner({voice, owner.id, permille, service.clock.now()});
    });
  }
  Order buy(const Account& payer, Credits credits, Money amount) {
    Order order;
    order.id = new_id();
    order.account = payer.id;
    order.pack = "pack";
    order.credits = credits;
    order.amount = amount;
    order.currency = "eur";
    order.idempotency_key = "order-" + order.id;
    order.session = "cs_" + order.id;
    service.store->write([&](Transaction& transaction) { transaction.orders().add(order); });
    fulfilment.apply_session({order.session, "", "pi_" + order.id, "complete", "paid", order.id, amount, 0, "eur"});
    return order;
  }
  void refund(const Order& order, Money amount) {
    fulfilment.apply_event({{"id", "evt_" + new_id()},
                            {"type", "charge.refunded"},
                            {"data",
                             {{"object",
                               {{"id", "ch"},
                                {"payment_intent", "pi_" + order.id},
                                {"amount", order.amount},
                                {"amount_refunded", amount},
                                {"metadata", {{"order_id", order.id}}}}}}}});
  }
  void dispute(const Order& order, const std::string& status) {
    fulfilment.apply_event(
        {{"id", "evt_" + new_id()},
         {"type", "charge.dispute.updated"},
         {"data",
          {{"object", {{"id", "dp_" + order.id}, {"payment_intent", "pi_" + order.id}, {"amount", order.amount}, {"status", status}}}}}});
  }
  void give(const Account& account, Credits credits) {
    service.store->write(
        [&](Transaction& transaction) { transaction.ledger().post(grant_entry(account.id, credits, "grant:" + account.id, "")); });
  }
  Credits spendable(const Account& account) { return balance(user_account(account.id)); }
  /// A job that is finished at once, as Worker::keep does it; note(transaction, job): what else is done.
  template <class Note>
  Job finish(const Account& payer, const std::string& voice, Credits credits, const Note& note) {
    Job job;
    job.id = new_id();
    job.account = payer.id;
    job.voice = voice;
    job.price = credits;
    job.state = Job::State::done;
    service.store->write([&](Transaction& transaction) {
      transaction.jobs().add(job);
      transaction.ledger().post(reserve_entry(payer.id, job.id, credits));
      settle(transaction, job, Job::State::done, service.clock.now());
      note(transaction, job);
    });
    return job;
  }
  Job sing(const Account& payer, const std::string& voice, Credits credits, const std::string& currency = "eur") {
    return finish(payer, voice, credits, [&](Transaction& transaction, const Job& job) {
      note_spending(transaction, job, {currency, credit_price}, service.clock.now());
    });
  }
  Mills owed(const Account& owner) { return balance(royalties_account("eur", owner.id)); }
  std::optional<Royalty> royalty(const Job& job) {
    std::optional<Royalty> found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().royalty(job.id); });
    return found;
  }
  std::vector<RoyaltyTransfer> transfers(const Account& owner) {
    std::vector<RoyaltyTransfer> all;
    service.store->read([&](Transaction& transaction) { all = transaction.earnings().transfers_of(owner.id, 1000); });
    return all;
  }

  FakeGateway shop;
  Fulfilment fulfilment{*service.store, shop, service.clock};
};

}  // namespace webwrap::testing
