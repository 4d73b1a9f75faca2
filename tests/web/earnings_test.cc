// What Stripe tells: payments of fans, accounts and payouts, taken into records and books.
#include "payments/earnings.h"

#include <gmock/gmock.h>

#include <thread>

#include "earning_stage.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;
using State = FanSubscription::State;

TEST_F(EarningsTest, AMonthIsSharedBetweenArtistAndService) {
  const FanSubscription subscription = subscribe(fan, artist);
  EXPECT_FALSE(listens(subscription));
  stripe.pay(subscription.session);
  deliver();
  EXPECT_EQ(now(subscription).state, State::active);
  EXPECT_TRUE(listens(subscription));
  EXPECT_EQ(balance(fans_account("eur")), -500);
  EXPECT_EQ(has(artist), 450);
  EXPECT_EQ(balance(service_account("eur")), 50);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, RenewalsDunningAndTheEnd) {
  const FanSubscription subscription = subscribed();
  const std::string id = now(subscription).stripe;
  pass(30 * day);
  stripe.renew(id);
  deliver();
  EXPECT_EQ(has(artist), 900);

  pass(30 * day);
  stripe.renew(id, false);
  deliver();
  EXPECT_TRUE(now(subscription).late);
  EXPECT_TRUE(listens(subscription)) << "while Stripe tries again for some days";
  EXPECT_EQ(has(artist), 900);
  pass(renewal_grace);
  EXPECT_FALSE(listens(subscription));
  stripe.renew(id);  // the second try
  deliver();
  EXPECT_FALSE(now(subscription).late);
  EXPECT_TRUE(listens(subscription));
  EXPECT_EQ(has(artist), 1350);
  EXPECT_EQ(months(subscription).size(), 3u);

  stripe.set_cancels(id, true);
  deliver();
  EXPECT_TRUE(now(subscription).cancels);
  EXPECT_TRUE(listens(subscription));
  pass(27 * day);
  EXPECT_FALSE(listens(subscription)) << "no grace for one that ends";
  stripe.renew(id);
  deliver();
  EXPECT_EQ(now(subscription).state, State::ended);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, ATrialIsFreeAndCounts) {
  const FanSubscription subscription = subscribed(7);
  EXPECT_TRUE(listens(subscription));
  EXPECT_EQ(has(artist), 0);
  EXPECT_EQ(now(subscription).paid_through, service.clock.now() + 7 * day);
  pass(7 * day);
  stripe.renew(now(subscription).stripe);
  deliver();
  EXPECT_EQ(has(artist), 450);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, TipsCountOnceAndOnlyOverWhatTheFanChose) {
  const FanPayment tip = tipped(333);
  for (const json& event : stripe.events) earnings.apply_event(event);
  EXPECT_EQ(now(tip).state, FanPayment::State::paid);
  EXPECT_EQ(has(artist), 300);  // 33.3 for the service, rounded down
  EXPECT_THAT(audit(), IsEmpty());

  // Whatever else carries the tip's mark is not it.
  for (const auto change :
       {+[](FakeConnect::Charge& charge) { charge.amount = 1; }, +[](FakeConnect::Charge& charge) { charge.currency = "idr"; },
        +[](FakeConnect::Charge& charge) { charge.destination = "acct_other"; }}) {
    const FanPayment other = give_tip(fan, artist, 333);
    stripe.pay(other.session);
    FakeConnect::Charge& charge = stripe.charges.at(stripe.sessions.at(other.session).payment_intent.substr(3));
    change(charge);
    try {
      deliver();
      ADD_FAILURE() << "booked";
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.code(), "payment_mismatch");
    }
  }
  EXPECT_EQ(has(artist), 300);
}

TEST_F(EarningsTest, AnotherSessionWithOurMarkIsRefused) {
  const FanSubscription subscription = subscribe(fan, artist);
  FakeConnect::Session cheap = stripe.sessions.at(subscription.session);
  cheap.id = "cs_cheap";
  stripe.sessions["cs_cheap"] = cheap;
  stripe.pay("cs_cheap");
  EXPECT_THROW(earnings.apply_event(stripe.events.back()), ServiceError);
}

TEST_F(EarningsTest, ARefundByHandMayLeaveTheArtistHisPart) {
  const FanSubscription subscription = subscribed();
  stripe.refund_by_hand(months(subscription).at(0).charge, 500, false);
  deliver();
  EXPECT_EQ(has(artist), 450);
  EXPECT_EQ(balance(service_account("eur")), -450);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, KnowTheAccountByTheLatestLook) {
  const auto account = [&] {
    PayoutAccount found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().payout_account(artist.id).value(); });
    return found;
  };
  EXPECT_TRUE(account().can_earn());
  stripe.set_account("acct_" + artist.id, true, false);
  deliver();
  EXPECT_FALSE(account().can_earn());
  EXPECT_EQ(account().missing, "requirements.past_due");
  // An answer that was asked for before another that is known already.
  PayoutAccount later = account();
  later.looked += 100;
  service.store->write([&](Transaction& transaction) { transaction.earnings().save(later); });
  stripe.set_account("acct_" + artist.id, true, true);
  deliver();
  EXPECT_FALSE(account().can_earn());
}

TEST_F(EarningsTest, AWrongKeyClosesNoAccount) {
  const auto account = [&] {
    PayoutAccount found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().payout_account(artist.id).value(); });
    return found;
  };
  tipped(1000);
  stripe.foreign_key = true;
  EXPECT_THROW(earnings.look_at_account(account().stripe), ServiceError);
  EXPECT_TRUE(account().can_earn());
  stripe.foreign_key = false;
  stripe.accounts.erase(account().stripe);
  earnings.look_at_account(account().stripe);
  EXPECT_TRUE(account().is_closed());
}

/// An account at Stripe that is closed, settled, and has another one in its place.
struct ReplacedAccount : EarningsTest {
  ReplacedAccount() {
    stripe.pay_out(former, "po_all", "paid", 900);
    deliver();
    stripe.accounts.erase(former);
    service.store->write([&](Transaction& transaction) {
      transaction.earnings().add(FormerAccount{former, artist.id, service.clock.now()});
      PayoutAccount next;
      next.account = artist.id;
      next.stripe = former + "_next";
      transaction.earnings().save(next);
    });
  }
  const FanPayment tip = tipped(1000);
  const std::string former = "acct_" + artist.id;
};

TEST_F(ReplacedAccount, KeepsItsOwnBooks) {
  EXPECT_THAT(matters(), IsEmpty());
  stripe.pay_out(former, "po_all", "failed", 900);  // the bank sends it back there
  deliver();
  EXPECT_EQ(balance(connected_account("eur", former)), 900);
  EXPECT_EQ(has(artist), 0) << "nothing of it is in the new one";
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("the closed account " + former)));
  stripe.pay_out(former, "po_again", "paid", 900);
  deliver();
  EXPECT_EQ(balance(bank_account("eur", artist.id)), 900);
  EXPECT_THAT(matters(), IsEmpty());
  stripe.dispute(now(tip).charge, "dp_1", "lost", 1000);
  deliver();
  work();
  deliver();
  EXPECT_EQ(balance(connected_account("eur", former)), 0) << "Stripe takes nothing from a closed account by itself";
  stripe.reverse_charge_by_hand(now(tip).charge);
  deliver();
  EXPECT_EQ(has(artist), 0);
  EXPECT_EQ(balance(connected_account("eur", former)), -900);
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("the closed account " + former)));
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, PayoutsOfAnAccountThatIsClosedByNowAreNotLost) {
  tipped(1000);
  stripe.pay_out("acct_" + artist.id, "po_1", "paid", 900);
  stripe.accounts.erase("acct_" + artist.id);
  deliver();
  EXPECT_EQ(balance(bank_account("eur", artist.id)), 900);
  EXPECT_EQ(has(artist), 0);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, PayoutsReachTheBankAndMayComeBack) {
  const FanPayment tip = tipped(1000);
  const std::string account = "acct_" + artist.id;
  stripe.pay_out(account, "po_1", "pending", 400);
  deliver();
  EXPECT_EQ(balance(bank_account("eur", artist.id)), 0);
  stripe.pay_out(account, "po_1", "paid", 400);
  deliver();
  EXPECT_EQ(balance(bank_account("eur", artist.id)), 400);
  EXPECT_EQ(has(artist), 500);
  stripe.pay_out(account, "po_1", "failed", 400);
  deliver();
  EXPECT_EQ(has(artist), 900);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, IgnoresWhatIsNotOurs) {
  FakeConnect::Subscription foreign;
  foreign.id = "sub_foreign";
  foreign.currency = "eur";
  foreign.amount = 700;
  foreign.status = "active";
  stripe.subscriptions["sub_foreign"] = foreign;
  stripe.renew("sub_foreign");
  stripe.pay_out("acct_foreign", "po_1", "paid", 1);
  deliver();
  EXPECT_FALSE(earnings.apply_event({{"id", "evt_1"}, {"type", "charge.refunded"}, {"data", {{"object", {{"id", "ch_foreign"}}}}}}));
  EXPECT_FALSE(earnings.apply_event({{"id", "evt_1"}, {"type", "customer.created"}, {"data", {{"object", {{"id", "cus"}}}}}}));
  EXPECT_EQ(balance(fans_account("eur")), 0);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, EightThreadsBookAMonthOnce) {
  const FanSubscription subscription = subscribe(fan, artist);
  stripe.pay(subscription.session);
  std::vector<std::thread> threads;
  const std::vector<json> events = stripe.events;
  for (int index = 0; index < 8; ++index)
    threads.emplace_back([&, index] {
      for (std::size_t i = 0; i < events.size(); ++i) earnings.apply_event(events[(i + std::size_t(index)) % events.size()]);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(has(artist), 450);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningsTest, CountOfConnectedAccountsWhatComesFromThereOnly) {
  const FanPayment tip = give_tip(fan, artist, 500);
  stripe.pay(tip.session);
  json forged = stripe.events.back();
  forged["account"] = "acct_" + artist.id;
  EXPECT_FALSE(earnings.apply_event(forged));
  EXPECT_EQ(has(artist), 0);
  service.config.stripe_secret_key = "rk_live_1";
  json trial = stripe.events.back();
  trial["livemode"] = false;
  EXPECT_FALSE(earnings.apply_event(trial));
  EXPECT_EQ(has(artist), 0);
  trial["livemode"] = true;
  EXPECT_TRUE(earnings.apply_event(trial));
  EXPECT_EQ(has(artist), 450);
}

TEST_F(EarningsTest, PayoutsMayTakeFromTheBank) {
  stripe.pay_out("acct_" + artist.id, "po_1", "paid", -400);
  deliver();
  EXPECT_EQ(has(artist), 400);
  EXPECT_EQ(balance(bank_account("eur", artist.id)), -400);
  stripe.pay_out("acct_" + artist.id, "po_1", "failed", -400);
  deliver();
  EXPECT_EQ(has(artist), 0);
  EXPECT_THAT(matters(), IsEmpty());
  stripe.pay_out("acct_" + artist.id, "po_2", "paid", 100);
  deliver();
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("more was taken out")));
  EXPECT_THAT(audit(), IsEmpty());
}

}  // namespace
}  // namespace webwrap::testing
