// What is to be done at Stripe, and what no event told.
#include "payments/earning_tasks.h"

#include <gmock/gmock.h>

#include "earning_stage.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;
using State = FanSubscription::State;

struct EarningTasksTest : EarningsTest {};

TEST_F(EarningTasksTest, ARefundTakesTheArtistsAndTheServicesPartsBack) {
  const FanSubscription subscription = subscribed();
  const FanPayment month = months(subscription).at(0);
  change(month, [](FanPayment& payment) { payment.refund_wanted = true; });
  stripe.lose_answers = 1;
  EXPECT_EQ(work(), 0);
  EXPECT_EQ(work(), 0) << "it waits before it tries again";
  pass(day);
  EXPECT_GE(work(), 1);
  deliver();
  EXPECT_EQ(now(month).refunded, 500);
  EXPECT_FALSE(listens(subscription));
  for (const std::string& account : {fans_account("eur"), connected_account("eur", artist.id), service_account("eur")})
    EXPECT_EQ(balance(account), 0) << account;
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningTasksTest, RefusalsMakeNewKeys) {
  const FanPayment tip = tipped(1000);
  stripe.charges.at(now(tip).charge).open.insert("dp_unheard");
  change(tip, [](FanPayment& payment) { payment.refund_wanted = true; });
  for (int i = 0; i < 7; ++i) {
    work();
    EXPECT_EQ(now(tip).refusals, i + 1);
    pass(day);
  }
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("refused 7 times to give back")));
  stripe.charges.at(now(tip).charge).open.clear();
  work();
  deliver();
  EXPECT_EQ(now(tip).refunded, 1000);
  EXPECT_THAT(matters(), IsEmpty());
}

TEST_F(EarningTasksTest, ALostDisputeIsTheArtistsAndEndsTheSubscription) {
  const FanSubscription subscription = subscribed();
  const std::string charge = months(subscription).at(0).charge;
  stripe.dispute(charge, "dp_0", "warning_needs_response", 500);
  deliver();
  EXPECT_TRUE(listens(subscription)) << "an inquiry takes nothing";
  stripe.dispute(charge, "dp_1", "needs_response", 500);
  deliver();
  EXPECT_FALSE(listens(subscription));
  EXPECT_EQ(has(artist), 450) << "as long as it is open";
  work();
  EXPECT_EQ(stripe.subscriptions.begin()->second.status, "canceled");
  stripe.dispute(charge, "dp_1", "lost", 500);
  deliver();
  EXPECT_EQ(balance(service_account("eur")), -450);
  stripe.lose_answers = 1;
  work();
  pass(day);
  work();
  deliver();
  EXPECT_EQ(has(artist), 0);
  EXPECT_EQ(balance(service_account("eur")), 0);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningTasksTest, ADisputeThatWasWonInTheMeantimeTakesNothing) {
  const FanPayment tip = tipped(1000);
  const std::string charge = now(tip).charge;
  stripe.dispute(charge, "dp_1", "lost", 600);
  deliver();
  stripe.dispute(charge, "dp_1", "won", 600);
  deliver();
  work();
  EXPECT_EQ(has(artist), 900);
  stripe.dispute(charge, "dp_2", "lost", 400);
  deliver();
  work();
  deliver();
  EXPECT_EQ(stripe.charges.at(charge).reversed, 400);
  stripe.dispute(charge, "dp_3", "lost", 100);
  deliver();
  pass(day);
  work();
  deliver();
  EXPECT_EQ(stripe.charges.at(charge).reversed, 500) << "only what is more";
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningTasksTest, DeletedAccountsEndWhatTheyPayAndKeepTheBooks) {
  const Account other = add_account();
  const FanSubscription paid = subscribe(fan, artist), waiting = subscribe(other, artist);
  stripe.pay(paid.session);
  deliver();
  service.store->write([&](Transaction& transaction) { transaction.accounts().erase(fan.id, service.clock.now()); });
  work();
  EXPECT_EQ(now(paid).state, State::ended);
  EXPECT_EQ(now(waiting).state, State::pending);
  service.store->write([&](Transaction& transaction) { transaction.accounts().erase(artist.id, service.clock.now()); });
  work();
  EXPECT_EQ(now(waiting).state, State::expired);
  EXPECT_EQ(stripe.sessions.at(waiting.session).status, "expired");
  EXPECT_EQ(has(artist), 450);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningTasksTest, EndPaymentsWhenThePageOfTheArtistGoes) {
  const Account other = add_account();
  Artist page;
  page.account = artist.id;
  page.handle = "maria";
  page.name = "Maria";
  page.links = "[]";
  service.store->write([&](Transaction& transaction) { transaction.artists().add(page, service.clock.now()); });
  const FanSubscription paid = subscribe(fan, artist), own = subscribe(artist, add_artist());
  stripe.pay(paid.session);
  deliver();
  const FanPayment tip = give_tip(other, artist, 500);
  service.store->write([&](Transaction& transaction) { transaction.artists().erase(artist.id, service.clock.now()); });
  work();
  EXPECT_EQ(now(paid).state, State::ended);
  EXPECT_EQ(stripe.sessions.at(tip.session).status, "expired");
  EXPECT_EQ(now(tip).state, FanPayment::State::expired);
  EXPECT_EQ(now(own).state, State::pending) << "what the artist pays to others goes on";
}

TEST_F(EarningTasksTest, FindOutWhatNoEventTold) {
  const Account other = add_account();
  const FanSubscription subscription = subscribe(fan, artist);
  const FanPayment tip = give_tip(other, artist, 1000);
  stripe.pay(subscription.session);
  stripe.pay(tip.session);
  work();
  EXPECT_EQ(has(artist), 0) << "an event may come yet";
  pass(2 * hour);
  work();
  EXPECT_EQ(now(subscription).state, State::active);
  EXPECT_EQ(has(artist), 450 + 900);
  // Two months at once: all invoices are asked for.
  pass(30 * day);
  stripe.renew(now(subscription).stripe);
  pass(30 * day);
  stripe.renew(now(subscription).stripe);
  stripe.events.clear();
  pass(2 * hour);
  work();
  EXPECT_EQ(has(artist), 3 * 450 + 900);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(EarningTasksTest, WalkThroughStripesOwnListOfEvents) {
  const FanPayment tip = tipped(3000);
  work();  // remembers where the list ends
  for (int i = 0; i < 60; ++i) stripe.refund_by_hand(now(tip).charge, 10, true);
  work();
  EXPECT_EQ(now(tip).refunded, 0) << "once a day";
  pass(day);
  stripe.refund_fails(now(tip).charge);
  for (int i = 0; i < 10; ++i) work();
  EXPECT_EQ(now(tip).refunded, 600);
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("A refund of payment"))) << "the last of them";
  EXPECT_THAT(audit(), IsEmpty());
}

}  // namespace
}  // namespace webwrap::testing
