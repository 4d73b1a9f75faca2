// Lives thrown by dice: whatever happens to payments, in any order, the books are exact in the end.
#include <gmock/gmock.h>

#include <random>
#include <set>

#include "earning_stage.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;
using State = FanSubscription::State;

/// One artist and fans whose lives are thrown by dice; Stripe's events come late, twice and in any order, answers are lost, Stripe is down
/// for a while.
class Life {
 public:
  Life(Stage& stage, unsigned seed) : stage_(stage), random_(seed), artist_(stage.add_artist()) {
    for (int i = 0; i < 2; ++i) fans_.push_back(stage_.add_account());
    first_event_ = stage_.stripe.events.size();
  }

  void live() {
    for (int steps = 10 + dice(50); steps > 0; --steps) {
      try {
        step();
      } catch (const ServiceError& error) {
        ASSERT_TRUE(error.status() == 502 || error.code() == "payment_refused") << error.what();
      }
    }
  }

  /// Stripe has sent everything in the end, and all that is to be done is done.
  void settle() {
    stage_.stripe.down = false;
    stage_.stripe.lose_answers = 0;
    for (int round = 0; round < 5; ++round) {
      std::vector<json> events(stage_.stripe.events.begin() + long(first_event_), stage_.stripe.events.end());
      for (int again = dice(4); again > 0 && !events.empty(); --again) events.push_back(events[std::size_t(dice(int(events.size())))]);
      std::shuffle(events.begin(), events.end(), random_);
      for (const json& event : events) stage_.earnings.apply_event(event);
      stage_.pass(day + hour);
      const std::size_t before = stage_.stripe.events.size();
      stage_.work();
      if (stage_.stripe.events.size() == before) break;
    }
  }

  void check() {
    const FakeConnect& stripe = stage_.stripe;
    const std::string account = "acct_" + artist_.id;
    Money connected = 0, bank = 0;
    for (const auto& [id, charge] : stripe.charges)
      if (charge.destination == account && charge.paid) connected += charge.amount - charge.fee - charge.reversed + charge.fee_refunded;
    for (const std::string& id : payouts_)
      if (stripe.payouts.at(id).status == "paid") bank += stripe.payouts.at(id).amount;
    EXPECT_EQ(stage_.has(artist_), connected - bank);
    EXPECT_EQ(stage_.balance(bank_account("eur", artist_.id)), bank);
    for (const FanSubscription& one : subscriptions_) {
      const FanSubscription known = stage_.now(one);
      if (known.stripe.empty()) continue;
      const FakeConnect::Subscription& truth = stripe.subscriptions.at(known.stripe);
      EXPECT_EQ(known.state == State::ended, truth.status == "canceled") << truth.status;
      EXPECT_EQ(known.cancels, truth.cancels);
      EXPECT_TRUE(!known.end_wanted || truth.status == "canceled");
      Seconds reach = 0;
      for (const auto& [id, invoice] : stripe.invoices) {
        if (invoice.subscription != known.stripe || invoice.status != "paid") continue;
        if (invoice.paid > 0) {
          const FakeConnect::Charge& charge = stripe.charges.at(invoice.charge);
          if (charge.refunded == charge.amount || disputed_.contains(charge.id)) continue;
        }
        reach = std::max(reach, invoice.period_end);
      }
      EXPECT_EQ(known.paid_through, reach);
    }
    for (const FanPayment& tip : tips_)
      EXPECT_EQ(stage_.now(tip).state == FanPayment::State::paid, stripe.sessions.at(tip.session).status == "complete");
  }

  Money fans_paid() const {
    Money sum = 0;
    for (const auto& [id, charge] : stage_.stripe.charges)
      if (charge.destination == "acct_" + artist_.id && charge.paid) sum += charge.amount - charge.refunded - charge.lost();
    return sum;
  }

 private:
  int dice(int sides) { return int(random_() % unsigned(sides)); }
  template <class List>
  auto& any(List& list) {
    return list[std::size_t(dice(int(list.size())))];
  }
  std::string any_charge() {
    std::vector<std::string> ids;
    for (const auto& [id, charge] : stage_.stripe.charges)
      if (charge.destination == "acct_" + artist_.id && charge.paid) ids.push_back(id);
    return ids.empty() ? "" : any(ids);
  }
  std::string any_subscription() {
    std::vector<std::string> ids;
    for (const auto& [id, one] : stage_.stripe.subscriptions)
      if (one.destination == "acct_" + artist_.id) ids.push_back(id);
    return ids.empty() ? "" : any(ids);
  }
  void dispute(const std::string& charge) {
    FakeConnect::Charge& of = stage_.stripe.charges.at(charge);
    const std::string name = "dp_" + charge;
    const Money amount = of.amount - of.refunded;
    if (disputed_.contains(charge) || closed_.contains(charge)) {
      const bool open = !closed_.contains(charge), lost = of.disputes.contains(name);
      if (open) {
        const bool wins = dice(2) == 0;
        stage_.stripe.dispute(charge, name, wins ? "won" : "lost", amounts_.at(charge));
        closed_.insert(charge);
        if (wins) disputed_.erase(charge);
      } else if (lost && dice(4) == 0) {  // overturned
        stage_.stripe.dispute(charge, name, "won", amounts_.at(charge));
        disputed_.erase(charge);
      }
    } else if (amount > 0) {
      amounts_[charge] = amount;
      disputed_.insert(charge);
      stage_.stripe.dispute(charge, name, "needs_response", amount);
    }
  }

  void step() {
    FakeConnect& stripe = stage_.stripe;
    const std::string charge = any_charge(), subscription = any_subscription();
    switch (dice(16)) {
      case 0: subscriptions_.push_back(stage_.subscribe(any(fans_), artist_, dice(4) == 0 ? 7 : 0)); break;
      case 1:
      case 2:
        if (!subscriptions_.empty()) stripe.pay(any(subscriptions_).session);
        break;
      case 3: tips_.push_back(stage_.give_tip(any(fans_), artist_, 100 + dice(5000))); break;
      case 4:
        if (!tips_.empty()) stripe.pay(any(tips_).session);
        break;
      case 5:
        if (!tips_.empty()) stripe.expire(any(tips_).session);
        break;
      case 6:
      case 7:
        stage_.pass(dice(20) * day);
        if (!subscription.empty()) stripe.renew(subscription, dice(4) != 0);
        break;
      case 8:
        if (!subscription.empty()) dice(2) == 0 ? stripe.cancel(subscription) : void(stripe.set_cancels(subscription, dice(3) != 0));
        break;
      case 9:
        if (!charge.empty() && !disputed_.contains(charge) && !closed_.contains(charge))
          stripe.refund_by_hand(charge, 1 + dice(400), dice(3) != 0);
        break;
      case 10:
        if (!charge.empty()) dispute(charge);
        break;
      case 11: {  // the artist gives a payment back
        std::optional<FanPayment> payment;
        stage_.service.store->read([&](Transaction& transaction) { payment = transaction.earnings().payment_of_charge(charge); });
        if (payment && !disputed_.contains(charge) && !closed_.contains(charge))
          stage_.change(*payment, [](FanPayment& one) { one.refund_wanted = true; });
        break;
      }
      case 12: {
        const std::string id = "po_" + new_id();
        payouts_.push_back(id);
        stripe.pay_out("acct_" + artist_.id, id, dice(3) == 0 ? "pending" : "paid", 1 + dice(300));
        if (dice(4) == 0) stripe.pay_out("acct_" + artist_.id, id, "failed", stripe.payouts.at(id).amount);
        break;
      }
      case 13: stage_.work(); break;
      case 14: stripe.down = dice(3) == 0; break;
      default: stripe.lose_answers = dice(2);
    }
    while (dice(3) != 0 && stripe.events.size() > first_event_)
      stage_.earnings.apply_event(stripe.events[first_event_ + random_() % (stripe.events.size() - first_event_)]);
  }

  Stage& stage_;
  std::mt19937 random_;
  Account artist_;
  std::vector<Account> fans_;
  std::size_t first_event_ = 0;
  std::vector<FanSubscription> subscriptions_;
  std::vector<FanPayment> tips_;
  std::vector<std::string> payouts_;
  std::set<std::string> disputed_, closed_;  ///< charges with a dispute that is open or lost; that was decided
  std::map<std::string, Money> amounts_;
};

TEST(EarningLives, ThousandHistoriesEndWithExactBooks) {
  Stage stage;
  Money fans = 0;
  int charges = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    Life life(stage, seed);
    life.live();
    life.settle();
    life.check();
    fans += life.fans_paid();
    charges += int(stage.stripe.charges.size());
    if (seed % 200 == 0) {
      EXPECT_EQ(stage.balance(fans_account("eur")), -fans);
      EXPECT_THAT(stage.audit(), IsEmpty());
    }
    // Done with it: what Stripe holds of others is only looked through.
    stage.stripe.charges.clear();
    stage.stripe.subscriptions.clear();
    stage.stripe.invoices.clear();
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(charges, 1000);
}

/// Whatever payers do, owners get no more than a part of what was bought and kept, and each of it once.
TEST(RoyaltyLives, NobodyIsPaidTwiceOrFromNothing) {
  Studio studio;
  std::mt19937 random(11);
  const auto dice = [&](int sides) { return int(random() % unsigned(sides)); };
  std::vector<Account> owners = {studio.add_artist(), studio.add_artist(), studio.add_account()};
  for (std::size_t i = 0; i < owners.size(); ++i) studio.add_voice("voice" + std::to_string(i), owners[i], 200 + 150 * int(i));
  std::vector<Account> payers = {owners[0]};
  for (int i = 0; i < 5; ++i) payers.push_back(studio.add_account());
  std::vector<Order> orders;
  std::map<Id, Credits> jobs_of;
  for (int round = 0; round < 3000; ++round) {
    const Account& payer = payers[std::size_t(dice(int(payers.size())))];
    try {
      switch (dice(12)) {
        case 0:
        case 1: orders.push_back(studio.buy(payer, 10 + dice(50), 100 + dice(900))); break;
        case 2:
          if (!orders.empty()) {
            const Order& order = orders[std::size_t(dice(int(orders.size())))];
            studio.refund(order, 1 + dice(int(order.amount)));
          }
          break;
        case 3:
          if (!orders.empty()) {
            const char* const states[] = {"needs_response", "lost", "won"};
            studio.dispute(orders[std::size_t(dice(int(orders.size())))], states[dice(3)]);
          }
          break;
        case 4: studio.give(payer, 5); break;
        case 5: studio.pass(dice(10) * day); break;
        case 6: studio.stripe.lose_answers = dice(2); break;
        case 7: studio.stripe.poor = dice(3) == 0; break;
        case 8: studio.work(); break;
        default:
          if (const Credits can = studio.spendable(payer); can > 0)
            studio.sing(payer, "voice" + std::to_string(dice(4)), 1 + dice(int(can)));
      }
    } catch (const ServiceError& error) {
      ASSERT_EQ(error.status(), 502) << error.what();
    }
    if (round % 300 == 0) {
      ASSERT_THAT(studio.audit(), IsEmpty()) << round;
    }
  }
  studio.stripe.poor = false;
  studio.stripe.lose_answers = 0;
  for (int months = 0; months < 4; ++months) {
    studio.pass(31 * day);
    studio.work();
  }
  std::map<std::string, int> groups;
  Money sent = 0;
  for (const auto& [id, transfer] : studio.stripe.transfers) {
    EXPECT_EQ(++groups[transfer.transfer], 1) << "sent twice";
    sent += transfer.amount;
  }
  Money booked = 0;
  Mills left = 0;
  for (const Account& owner : owners) {
    booked += studio.has(owner);
    left += studio.owed(owner);
  }
  EXPECT_GT(sent, 0);
  EXPECT_EQ(booked, sent);
  // All that was ever earned and is still earned: what was sent, and what is owed.
  Mills earned = 0;
  studio.service.store->read([&](Transaction& transaction) {
    for (const Account& owner : owners)
      for (const Royalty& royalty : transaction.earnings().royalties_of(owner.id, 100000)) earned += royalty.amount;
  });
  EXPECT_EQ(earned, sent * 1000 + left);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

}  // namespace
}  // namespace webwrap::testing
