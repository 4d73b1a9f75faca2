// What voices earn for their owners.
#include <gmock/gmock.h>

#include "domain/month.h"
#include "earning_stage.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;

/// The owner of a voice, and who pays to sing with it.
struct Royalties : ::testing::Test, Studio {
  const Account owner = add_artist(), payer = add_account();
};

/// Songs old enough for a transfer.
struct RoyaltiesThatAreDue : Royalties {
  RoyaltiesThatAreDue() {
    add_voice("her", owner, 300);
    buy(payer, 120, 1499);
    sing(payer, "her", 100);
    pass(90 * day);
  }
  /// Stripe as if a transfer had been made by the service before a backup was put in its place.
  void sent_before(Money amount) { stripe.transfers["tr_before"] = {"tr_before", owner.id + "-eur-1", "", "eur", amount, 0}; }
};

TEST_F(Royalties, AreEarnedByBoughtCreditsOnly) {
  add_voice("her", owner, 300);
  give(payer, 5);
  buy(payer, 30, 499);
  EXPECT_EQ(sing(payer, "her", 3).price, 3);
  EXPECT_EQ(owed(owner), 0) << "given ones are spent first";
  const Job mixed = sing(payer, "her", 4);
  EXPECT_EQ(royalty(mixed)->paid, 2);
  EXPECT_EQ(owed(owner), 2 * credit_price * 300 / 1000);
  sing(payer, "nobody's", 4);
  EXPECT_EQ(owed(owner), 2 * credit_price * 300 / 1000);
  buy(owner, 30, 499);
  sing(owner, "her", 4);
  EXPECT_EQ(owed(owner), 2 * credit_price * 300 / 1000) << "one's own voice earns nothing";
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, FollowRefundsAndDebtsThatArePaid) {
  add_voice("her", owner, 500);
  const Order order = buy(payer, 30, 300);  // a credit for 10, less than in the cheapest pack of the day
  const Job first = sing(payer, "her", 10), second = sing(payer, "her", 20);
  const Mills each = 10'000 / 2;
  refund(order, 150);  // 15 of 30
  EXPECT_EQ(spendable(payer), -15);
  EXPECT_EQ(royalty(first)->paid, 10);
  EXPECT_EQ(royalty(second)->paid, 5);
  EXPECT_NEAR(double(owed(owner)), double(15 * each), 15);
  buy(payer, 15, 150);  // pays for the second one after all
  EXPECT_EQ(royalty(second)->paid, 20);
  dispute(order, "lost");
  EXPECT_EQ(royalty(first)->paid, 10) << "15 of the second order";
  EXPECT_EQ(royalty(second)->paid, 5);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, AreTransferredAMonthAfterTheirMonthAndOnce) {
  service.clock.time = parse_month("2027-03").value() + 5 * day;
  add_voice("her", owner, 300);
  buy(payer, 120, 1499);
  const Job job = sing(payer, "her", 100);
  const Mills earned = 100 * credit_price * 300 / 1000;  // 374,730 thousandths of a cent
  EXPECT_EQ(owed(owner), earned);
  service.clock.time = parse_month("2027-04").value() + 29 * day;
  work();
  EXPECT_THAT(transfers(owner), IsEmpty()) << "the month is held back for another";
  service.clock.time = parse_month("2027-05").value() + day;
  stripe.lose_answers = 1;
  service.store->write([&](Transaction& transaction) {  // that the list of events does not tell it
    transaction.earnings().save(EventWalk{"", service.clock.now()});
  });
  work();
  ASSERT_EQ(transfers(owner).size(), 1u);
  EXPECT_EQ(transfers(owner)[0].state, RoyaltyTransfer::State::created) << "the answer was lost";
  pass(day);
  work();
  work();
  deliver();
  ASSERT_EQ(transfers(owner).size(), 1u);
  const RoyaltyTransfer sent = transfers(owner)[0];
  EXPECT_EQ(sent.state, RoyaltyTransfer::State::sent);
  EXPECT_EQ(sent.amount, earned / 1000);
  EXPECT_EQ(stripe.transfers.size(), 1u);
  EXPECT_EQ(owed(owner), earned % 1000) << "the rest waits";
  EXPECT_EQ(has(owner), earned / 1000);
  std::vector<RoyaltyLine> lines;
  service.store->read([&](Transaction& transaction) { lines = transaction.earnings().lines_of(sent.id); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].job, job.id);
  stripe.reverse_by_hand(sent.stripe, 100);
  deliver();
  EXPECT_EQ(has(owner), earned / 1000 - 100);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, WaitForAnAccountThatCanBePaidAndForMoney) {
  const Account late = add_account();
  add_voice("her", late, 300);
  buy(payer, 120, 1499);
  sing(payer, "her", 100);
  pass(90 * day);
  work();
  EXPECT_THAT(transfers(late), IsEmpty());
  let_earn(late);
  stripe.poor = true;
  work();
  ASSERT_EQ(transfers(late).size(), 1u);
  EXPECT_EQ(transfers(late)[0].refusals, 1);
  stripe.poor = false;
  pass(day);
  work();
  EXPECT_EQ(transfers(late)[0].state, RoyaltyTransfer::State::sent);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, AreAPartOfWhatThePayerPaid) {
  const Account other = add_account();
  add_voice("her", owner, 1000);
  // In a promotion a credit cost 5; by now the cheapest pack has it for 12.491.
  buy(payer, 1000, 5000);
  sing(payer, "her", 1000);
  EXPECT_EQ(owed(owner), 5'000'000);

  // Dear ones are sung with, cheap ones bought, and the dear ones given back.
  const Order dear = buy(other, 100, 1000);
  sing(other, "her", 100);
  buy(other, 100, 10);
  refund(dear, 1000);
  EXPECT_EQ(owed(owner), 5'000'000 + 10'000) << "what is kept is 10";
  EXPECT_THAT(audit(), IsEmpty());
  // What is left of a sum that buys no whole credit back.
  const Order third = buy(other, 3, 100);
  sing(other, "her", 3);
  refund(third, 1);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, InAnotherCurrencyThanThePayerPaidInAreNone) {
  add_voice("her", owner, 500);
  buy(payer, 100, 1000);
  EXPECT_EQ(royalty(sing(payer, "her", 10, "usd"))->amount, 0);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, AuditSeesWhatIsTooMuchOrMissing) {
  add_voice("her", owner, 500);
  buy(payer, 100, 1000);
  pass(1);
  sing(payer, "her", 10);
  const Job second = sing(payer, "her", 10);
  ASSERT_THAT(audit(), IsEmpty());
  service.store->write([&](Transaction& transaction) {
    Royalty royalty = transaction.earnings().royalty(second.id).value();
    royalty.bought_from = 5;
    royalty.bought_to = 15;
    transaction.earnings().save(royalty);
  });
  EXPECT_THAT(audit(), ::testing::Contains(::testing::HasSubstr("same bought credits")));
  finish(payer, "her", 10, [](Transaction&, const Job&) {});
  EXPECT_THAT(audit(), ::testing::Contains(::testing::HasSubstr("earned no royalty")));
}

TEST_F(RoyaltiesThatAreDue, AreNotPaidTwiceAfterABackupIsRestored) {
  sent_before(374);
  work();
  EXPECT_EQ(stripe.transfers.size(), 1u) << "no second one";
  ASSERT_EQ(transfers(owner).size(), 1u);
  EXPECT_EQ(transfers(owner)[0].stripe, "tr_before");
  EXPECT_EQ(has(owner), 374);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(RoyaltiesThatAreDue, OfAnotherSumAfterABackupWaitForTheOperator) {
  sent_before(500);
  work();
  earnings.apply_event({{"id", "evt_b"}, {"type", "transfer.created"}, {"data", {{"object", {{"id", "tr_before"}}}}}});
  ASSERT_EQ(transfers(owner).size(), 1u);
  EXPECT_EQ(transfers(owner)[0].state, RoyaltyTransfer::State::created);
  EXPECT_EQ(transfers(owner)[0].refusals, 1);
  EXPECT_EQ(has(owner), 0);
  stripe.reverse_by_hand("tr_before", 500);
  pass(day);
  work();
  EXPECT_EQ(transfers(owner)[0].state, RoyaltyTransfer::State::sent);
  EXPECT_EQ(has(owner), 374);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(Royalties, WaitWhileThePaymentBehindThemIsDisputed) {
  const Account good = add_account();
  add_voice("her", owner, 300);
  const Order order = buy(payer, 120, 1499);
  sing(payer, "her", 100);
  buy(good, 120, 1499);
  sing(good, "her", 100);
  dispute(order, "needs_response");
  service.store->write([&](Transaction& transaction) { transaction.accounts().erase(payer.id, service.clock.now()); });
  pass(90 * day);
  work();
  ASSERT_EQ(transfers(owner).size(), 1u);
  EXPECT_EQ(transfers(owner)[0].amount, 374) << "that of the other payer";
  dispute(order, "won");
  work();
  EXPECT_EQ(transfers(owner).size(), 2u);
  EXPECT_EQ(has(owner), 374 + 375);
  EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(RoyaltiesThatAreDue, AreNamedWhereTheyWaitForLong) {
  stripe.poor = true;
  work();
  ASSERT_EQ(transfers(owner).size(), 1u);
  pass(20 * day);
  work();
  EXPECT_THAT(matters(), ::testing::ElementsAre(::testing::HasSubstr("waits since")));
  stripe.poor = false;
  pass(day);
  work();
  EXPECT_EQ(transfers(owner)[0].state, RoyaltyTransfer::State::sent);
}

}  // namespace
}  // namespace webwrap::testing
