#include "payments/earnings.h"

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <thread>

#include "domain/month.h"
#include "earning_stage.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;

using State = FanSubscription::State;

TEST(Earnings, AMonthIsSharedBetweenArtistAndService) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  EXPECT_FALSE(stage.listens(subscription));
  stage.stripe.pay(subscription.session);
  stage.deliver();
  EXPECT_EQ(stage.now(subscription).state, State::active);
  EXPECT_TRUE(stage.listens(subscription));
  EXPECT_EQ(stage.balance(fans_account("eur")), -500);
  EXPECT_EQ(stage.has(artist), 450);
  EXPECT_EQ(stage.balance(service_account("eur")), 50);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, RenewalsDunningAndTheEnd) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  const std::string id = stage.now(subscription).stripe;
  stage.pass(30 * day);
  stage.stripe.renew(id);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 900);

  stage.pass(30 * day);
  stage.stripe.renew(id, false);
  stage.deliver();
  EXPECT_TRUE(stage.now(subscription).late);
  EXPECT_TRUE(stage.listens(subscription)) << "while Stripe tries again for some days";
  EXPECT_EQ(stage.has(artist), 900);
  stage.pass(renewal_grace);
  EXPECT_FALSE(stage.listens(subscription));
  stage.stripe.renew(id);  // the second try
  stage.deliver();
  EXPECT_FALSE(stage.now(subscription).late);
  EXPECT_TRUE(stage.listens(subscription));
  EXPECT_EQ(stage.has(artist), 1350);
  EXPECT_EQ(stage.months(subscription).size(), 3u);

  stage.stripe.set_cancels(id, true);
  stage.deliver();
  EXPECT_TRUE(stage.now(subscription).cancels);
  EXPECT_TRUE(stage.listens(subscription));
  stage.pass(27 * day);
  EXPECT_FALSE(stage.listens(subscription)) << "no grace for one that ends";
  stage.stripe.renew(id);
  stage.deliver();
  EXPECT_EQ(stage.now(subscription).state, State::ended);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, ATrialIsFreeAndCounts) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist, 7);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  EXPECT_TRUE(stage.listens(subscription));
  EXPECT_EQ(stage.has(artist), 0);
  EXPECT_EQ(stage.now(subscription).paid_through, stage.service.clock.now() + 7 * day);
  stage.pass(7 * day);
  stage.stripe.renew(stage.now(subscription).stripe);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 450);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, TipsCountOnceAndOnlyOverWhatTheFanChose) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 333);
  stage.stripe.pay(tip.session);
  stage.deliver();
  for (const json& event : stage.stripe.events) stage.earnings.apply_event(event);
  EXPECT_EQ(stage.now(tip).state, FanPayment::State::paid);
  EXPECT_EQ(stage.has(artist), 300);  // 33.3 for the service, rounded down
  EXPECT_THAT(stage.audit(), IsEmpty());

  // Whatever else carries the tip's mark is not it.
  for (const auto change :
       {+[](FakeConnect::Charge& charge) { charge.amount = 1; }, +[](FakeConnect::Charge& charge) { charge.currency = "idr"; },
        +[](FakeConnect::Charge& charge) { charge.destination = "acct_other"; }}) {
    const FanPayment other = stage.tip(fan, artist, 333);
    stage.stripe.pay(other.session);
    FakeConnect::Charge& charge = stage.stripe.charges.at(stage.stripe.sessions.at(other.session).payment_intent.substr(3));
    change(charge);
    try {
      stage.deliver();
      ADD_FAILURE() << "booked";
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.code(), "payment_mismatch");
    }
  }
  EXPECT_EQ(stage.has(artist), 300);
}

TEST(Earnings, AnotherSessionWithOurMarkIsRefused) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  FakeConnect::Session cheap = stage.stripe.sessions.at(subscription.session);
  cheap.id = "cs_cheap";
  stage.stripe.sessions["cs_cheap"] = cheap;
  stage.stripe.pay("cs_cheap");
  EXPECT_THROW(stage.earnings.apply_event(stage.stripe.events.back()), ServiceError);
}

TEST(Earnings, ARefundTakesTheArtistsAndTheServicesPartsBack) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  const FanPayment month = stage.months(subscription).at(0);
  stage.change(month, [](FanPayment& payment) { payment.refund_wanted = true; });
  stage.stripe.lose_answers = 1;
  EXPECT_EQ(stage.earnings.work(), 0);
  EXPECT_EQ(stage.earnings.work(), 0) << "it waits before it tries again";
  stage.pass(day);
  EXPECT_GE(stage.earnings.work(), 1);
  stage.deliver();
  EXPECT_EQ(stage.now(month).refunded, 500);
  EXPECT_FALSE(stage.listens(subscription));
  for (const std::string& account : {fans_account("eur"), connected_account("eur", artist.id), service_account("eur")})
    EXPECT_EQ(stage.balance(account), 0) << account;
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, ARefundByHandMayLeaveTheArtistHisPart) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  stage.stripe.refund_by_hand(stage.months(subscription).at(0).charge, 500, false);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 450);
  EXPECT_EQ(stage.balance(service_account("eur")), -450);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, ALostDisputeIsTheArtistsAndEndsTheSubscription) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  const std::string charge = stage.months(subscription).at(0).charge;
  stage.stripe.dispute(charge, "dp_0", "warning_needs_response", 500);
  stage.deliver();
  EXPECT_TRUE(stage.listens(subscription)) << "an inquiry takes nothing";
  stage.stripe.dispute(charge, "dp_1", "needs_response", 500);
  stage.deliver();
  EXPECT_FALSE(stage.listens(subscription));
  EXPECT_EQ(stage.has(artist), 450) << "as long as it is open";
  stage.earnings.work();
  EXPECT_EQ(stage.stripe.subscriptions.begin()->second.status, "canceled");
  stage.stripe.dispute(charge, "dp_1", "lost", 500);
  stage.deliver();
  EXPECT_EQ(stage.balance(service_account("eur")), -450);
  stage.stripe.lose_answers = 1;
  stage.earnings.work();
  stage.pass(day);
  stage.earnings.work();
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 0);
  EXPECT_EQ(stage.balance(service_account("eur")), 0);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, DeletedAccountsEndWhatTheyPayAndKeepTheBooks) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account(), other = stage.add_account();
  const FanSubscription paid = stage.subscribe(fan, artist), waiting = stage.subscribe(other, artist);
  stage.stripe.pay(paid.session);
  stage.deliver();
  stage.service.store->write([&](Transaction& transaction) { transaction.accounts().erase(fan.id, stage.service.clock.now()); });
  stage.earnings.work();
  EXPECT_EQ(stage.now(paid).state, State::ended);
  EXPECT_EQ(stage.now(waiting).state, State::pending);
  stage.service.store->write([&](Transaction& transaction) { transaction.accounts().erase(artist.id, stage.service.clock.now()); });
  stage.earnings.work();
  EXPECT_EQ(stage.now(waiting).state, State::expired);
  EXPECT_EQ(stage.stripe.sessions.at(waiting.session).status, "expired");
  EXPECT_EQ(stage.has(artist), 450);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, AsksStripeAboutRenewalsThatNobodyTold) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  stage.deliver();
  stage.pass(30 * day + 2 * hour);
  stage.stripe.renew(stage.now(subscription).stripe);
  EXPECT_EQ(stage.has(artist), 450);
  stage.earnings.work();
  EXPECT_EQ(stage.has(artist), 900);
}

TEST(Earnings, MirrorsTheAccountByTheLatestLook) {
  Stage stage;
  const Account artist = stage.add_artist();
  const auto account = [&] {
    PayoutAccount found;
    stage.service.store->read([&](Transaction& transaction) { found = transaction.earnings().payout_account(artist.id).value(); });
    return found;
  };
  EXPECT_TRUE(account().can_earn());
  stage.stripe.set_account("acct_" + artist.id, true, false);
  stage.deliver();
  EXPECT_FALSE(account().can_earn());
  EXPECT_EQ(account().missing, "requirements.past_due");
}

TEST(Earnings, PayoutsReachTheBankAndMayComeBack) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 1000);
  stage.stripe.pay(tip.session);
  stage.deliver();
  const std::string account = "acct_" + artist.id;
  stage.stripe.pay_out(account, "po_1", "pending", 400);
  stage.deliver();
  EXPECT_EQ(stage.balance(bank_account("eur", artist.id)), 0);
  stage.stripe.pay_out(account, "po_1", "paid", 400);
  stage.deliver();
  EXPECT_EQ(stage.balance(bank_account("eur", artist.id)), 400);
  EXPECT_EQ(stage.has(artist), 500);
  stage.stripe.pay_out(account, "po_1", "failed", 400);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 900);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, IgnoresWhatIsNotOurs) {
  Stage stage;
  stage.add_artist();
  FakeConnect::Subscription foreign;
  foreign.id = "sub_foreign";
  foreign.currency = "eur";
  foreign.amount = 700;
  foreign.status = "active";
  stage.stripe.subscriptions["sub_foreign"] = foreign;
  stage.stripe.renew("sub_foreign");
  stage.stripe.pay_out("acct_foreign", "po_1", "paid", 1);
  stage.deliver();
  EXPECT_FALSE(stage.earnings.apply_event({{"id", "evt_1"}, {"type", "charge.refunded"}, {"data", {{"object", {{"id", "ch_foreign"}}}}}}));
  EXPECT_FALSE(stage.earnings.apply_event({{"id", "evt_1"}, {"type", "customer.created"}, {"data", {{"object", {{"id", "cus"}}}}}}));
  EXPECT_EQ(stage.balance(fans_account("eur")), 0);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, EightThreadsBookAMonthOnce) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  stage.stripe.pay(subscription.session);
  std::vector<std::thread> threads;
  const std::vector<json> events = stage.stripe.events;
  for (int index = 0; index < 8; ++index)
    threads.emplace_back([&, index] {
      for (std::size_t i = 0; i < events.size(); ++i) stage.earnings.apply_event(events[(i + std::size_t(index)) % events.size()]);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stage.has(artist), 450);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

/// merge() of any snapshots in any order, repeated, ends at the same knowledge.
TEST(EarningFacts, MergeInAnyOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<StripeCharge> snapshots(1);
    StripeCharge& first = snapshots[0];
    first.id = "ch_1";
    first.paid = true;
    first.amount = 1000;
    first.fee = 100;
    for (int step = 0; step < 5; ++step) {
      StripeCharge next = snapshots.back();
      const Money more = std::min<Money>(random() % 300, next.amount - next.refunded);
      next.refunded += more;
      if (random() % 2) next.reversed = std::min(next.amount, next.reversed + more);
      next.fee_refunded = share_of(next.fee, next.reversed, next.amount);
      snapshots.push_back(next);
    }
    const std::vector<DisputeFact> disputes = {{"dp_1", "open", 50}, {"dp_1", "lost", 50}, {"dp_1", "won", 50}, {"dp_2", "open", 70}};
    const auto all = [&](FanPayment payment, const std::vector<std::size_t>& order) {
      for (const std::size_t i : order)
        payment = i < snapshots.size() ? merge(payment, snapshots[i]) : merge(payment, disputes[i - snapshots.size()]);
      return payment;
    };
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < snapshots.size() + disputes.size(); ++i) order.push_back(i);
    FanPayment blank;
    blank.id = "in_1";
    blank.currency = "eur";
    blank.artist = "artist";
    const FanPayment straight = all(blank, order);
    for (int copies = 0; copies < 5; ++copies) order.push_back(order[random() % order.size()]);
    std::shuffle(order.begin(), order.end(), random);
    // The books by way of all states in between sum to those of the straight way.
    std::map<std::string, Money> books, expected;
    FanPayment payment = blank;
    std::set<std::string> keys;
    for (const std::size_t i : order) {
      const FanPayment after = all(payment, {i});
      for (const LedgerEntry& entry : entries_of(payment, after)) {
        check(entry);
        EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
        for (const Posting& posting : entry.postings) books[posting.account] += posting.amount;
      }
      payment = after;
    }
    for (const LedgerEntry& entry : entries_of(blank, straight))
      for (const Posting& posting : entry.postings) expected[posting.account] += posting.amount;
    std::erase_if(books, [](const auto& account) { return account.second == 0; });
    EXPECT_EQ(books, expected);
    EXPECT_EQ(payment.disputes, straight.disputes);
    EXPECT_EQ(entries_of(payment, straight).size(), 0u);
  }
}

// ---- royalties ----

TEST(Royalties, AreEarnedByBoughtCreditsOnly) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account();
  studio.add_voice("her", owner, 300);
  studio.give(payer, 5);
  studio.buy(payer, 30, 499);
  EXPECT_EQ(studio.sing(payer, "her", 3).price, 3);
  EXPECT_EQ(studio.owed(owner), 0) << "given ones are spent first";
  const Job mixed = studio.sing(payer, "her", 4);
  EXPECT_EQ(studio.royalty(mixed)->paid, 2);
  EXPECT_EQ(studio.owed(owner), 2 * credit_price * 300 / 1000);
  studio.sing(payer, "nobody's", 4);
  EXPECT_EQ(studio.owed(owner), 2 * credit_price * 300 / 1000);
  studio.buy(owner, 30, 499);
  studio.sing(owner, "her", 4);
  EXPECT_EQ(studio.owed(owner), 2 * credit_price * 300 / 1000) << "one's own voice earns nothing";
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, FollowRefundsAndDebtsThatArePaid) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account();
  studio.add_voice("her", owner, 500);
  const Order order = studio.buy(payer, 30, 300);  // a credit for 10, less than in the cheapest pack of the day
  const Job first = studio.sing(payer, "her", 10), second = studio.sing(payer, "her", 20);
  const Mills each = 10'000 / 2;
  studio.refund(order, 150);  // 15 of 30
  EXPECT_EQ(studio.spendable(payer), -15);
  EXPECT_EQ(studio.royalty(first)->paid, 10);
  EXPECT_EQ(studio.royalty(second)->paid, 5);
  EXPECT_NEAR(double(studio.owed(owner)), double(15 * each), 15);
  studio.buy(payer, 15, 150);  // pays for the second one after all
  EXPECT_EQ(studio.royalty(second)->paid, 20);
  studio.dispute(order, "lost");
  EXPECT_EQ(studio.royalty(first)->paid, 10) << "15 of the second order";
  EXPECT_EQ(studio.royalty(second)->paid, 5);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, AreTransferredAMonthAfterTheirMonthAndOnce) {
  Studio studio;
  studio.service.clock.time = parse_month("2027-03").value() + 5 * day;
  const Account owner = studio.add_artist(), payer = studio.add_account();
  studio.add_voice("her", owner, 300);
  studio.buy(payer, 120, 1499);
  const Job job = studio.sing(payer, "her", 100);
  const Mills earned = 100 * credit_price * 300 / 1000;  // 374,730 thousandths of a cent
  EXPECT_EQ(studio.owed(owner), earned);
  studio.service.clock.time = parse_month("2027-04").value() + 29 * day;
  studio.earnings.work();
  EXPECT_THAT(studio.transfers(owner), IsEmpty()) << "the month is held back for another";
  studio.service.clock.time = parse_month("2027-05").value() + day;
  studio.stripe.lose_answers = 1;
  studio.service.store->write([&](Transaction& transaction) {  // that the list of events does not tell it
    transaction.earnings().save(EventWalk{"", studio.service.clock.now()});
  });
  studio.earnings.work();
  ASSERT_EQ(studio.transfers(owner).size(), 1u);
  EXPECT_EQ(studio.transfers(owner)[0].state, RoyaltyTransfer::State::created) << "the answer was lost";
  studio.pass(day);
  studio.earnings.work();
  studio.earnings.work();
  studio.deliver();
  ASSERT_EQ(studio.transfers(owner).size(), 1u);
  const RoyaltyTransfer sent = studio.transfers(owner)[0];
  EXPECT_EQ(sent.state, RoyaltyTransfer::State::sent);
  EXPECT_EQ(sent.amount, earned / 1000);
  EXPECT_EQ(studio.stripe.transfers.size(), 1u);
  EXPECT_EQ(studio.owed(owner), earned % 1000) << "the rest waits";
  EXPECT_EQ(studio.has(owner), earned / 1000);
  std::vector<RoyaltyLine> lines;
  studio.service.store->read([&](Transaction& transaction) { lines = transaction.earnings().lines_of(sent.id); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].job, job.id);
  studio.stripe.reverse_by_hand(sent.stripe, 100);
  studio.deliver();
  EXPECT_EQ(studio.has(owner), earned / 1000 - 100);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, WaitForAnAccountThatCanBePaidAndForMoney) {
  Studio studio;
  const Account owner = studio.add_account(), payer = studio.add_account();
  studio.add_voice("her", owner, 300);
  studio.buy(payer, 120, 1499);
  studio.sing(payer, "her", 100);
  studio.pass(90 * day);
  studio.earnings.work();
  EXPECT_THAT(studio.transfers(owner), IsEmpty());
  PayoutAccount payout;
  payout.account = owner.id;
  payout.stripe = studio.stripe.create_account(owner.id, "").id;
  studio.service.store->write([&](Transaction& transaction) { transaction.earnings().save(payout); });
  studio.stripe.set_account(payout.stripe, true, true);
  studio.deliver();
  studio.stripe.poor = true;
  studio.earnings.work();
  ASSERT_EQ(studio.transfers(owner).size(), 1u);
  EXPECT_EQ(studio.transfers(owner)[0].refusals, 1);
  studio.stripe.poor = false;
  studio.pass(day);
  studio.earnings.work();
  EXPECT_EQ(studio.transfers(owner)[0].state, RoyaltyTransfer::State::sent);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, AreAPartOfWhatThePayerPaid) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account(), other = studio.add_account();
  studio.add_voice("her", owner, 1000);
  // In a promotion a credit cost 5; by now the cheapest pack has it for 12.491.
  studio.buy(payer, 1000, 5000);
  studio.sing(payer, "her", 1000);
  EXPECT_EQ(studio.owed(owner), 5'000'000);

  // Dear ones are sung with, cheap ones bought, and the dear ones given back.
  const Order dear = studio.buy(other, 100, 1000);
  studio.sing(other, "her", 100);
  studio.buy(other, 100, 10);
  studio.refund(dear, 1000);
  EXPECT_EQ(studio.owed(owner), 5'000'000 + 10'000) << "what is kept is 10";
  EXPECT_THAT(studio.audit(), IsEmpty());
  // What is left of a sum that buys no whole credit back.
  const Order third = studio.buy(other, 3, 100);
  studio.sing(other, "her", 3);
  studio.refund(third, 1);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, InAnotherCurrencyThanThePayerPaidInAreNone) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account();
  studio.add_voice("her", owner, 500);
  const Order order = studio.buy(payer, 100, 1000);
  Job job;
  job.id = new_id();
  job.account = payer.id;
  job.voice = "her";
  job.price = 10;
  job.state = Job::State::done;
  studio.service.store->write([&](Transaction& transaction) {
    transaction.jobs().add(job);
    transaction.ledger().post(reserve_entry(payer.id, job.id, job.price));
    settle(transaction, job, Job::State::done, studio.service.clock.now());
    note_spending(transaction, job, {"usd", credit_price}, studio.service.clock.now());
  });
  EXPECT_EQ(studio.royalty(job)->amount, 0);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, AuditSeesWhatIsTooMuchOrMissing) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account();
  studio.add_voice("her", owner, 500);
  studio.buy(payer, 100, 1000);
  studio.pass(1);
  const Job first = studio.sing(payer, "her", 10), second = studio.sing(payer, "her", 10);
  ASSERT_THAT(studio.audit(), IsEmpty());
  studio.service.store->write([&](Transaction& transaction) {
    Royalty royalty = transaction.earnings().royalty(second.id).value();
    royalty.bought_from = 5;
    royalty.bought_to = 15;
    transaction.earnings().save(royalty);
  });
  EXPECT_THAT(studio.audit(), ::testing::Contains(::testing::HasSubstr("same bought credits")));
  Job job;
  job.id = new_id();
  job.account = payer.id;
  job.voice = "her";
  job.price = 10;
  job.state = Job::State::done;
  studio.service.store->write([&](Transaction& transaction) {
    transaction.jobs().add(job);
    transaction.ledger().post(reserve_entry(payer.id, job.id, job.price));
    settle(transaction, job, Job::State::done, studio.service.clock.now());
  });
  EXPECT_THAT(studio.audit(), ::testing::Contains(::testing::HasSubstr("earned no royalty")));
}

/// What a month-old transfer needs to be made of.
struct Restored : Studio {
  Restored() {
    add_voice("her", owner, 300);
    buy(payer, 120, 1499);
    sing(payer, "her", 100);
    pass(90 * day);
  }
  /// Stripe as if a transfer had been made by the service before a backup was put in its place.
  void sent_before(Money amount) { stripe.transfers["tr_before"] = {"tr_before", owner.id + "-eur-1", "", "eur", amount, 0}; }
  const Account owner = add_artist(), payer = add_account();
};

TEST(Royalties, AreNotPaidTwiceAfterABackupIsRestored) {
  Restored studio;
  studio.sent_before(374);
  studio.earnings.work();
  EXPECT_EQ(studio.stripe.transfers.size(), 1u) << "no second one";
  ASSERT_EQ(studio.transfers(studio.owner).size(), 1u);
  EXPECT_EQ(studio.transfers(studio.owner)[0].stripe, "tr_before");
  EXPECT_EQ(studio.has(studio.owner), 374);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, OfAnotherSumAfterABackupWaitForTheOperator) {
  Restored studio;
  studio.sent_before(500);
  studio.earnings.work();
  studio.earnings.apply_event({{"id", "evt_b"}, {"type", "transfer.created"}, {"data", {{"object", {{"id", "tr_before"}}}}}});
  ASSERT_EQ(studio.transfers(studio.owner).size(), 1u);
  EXPECT_EQ(studio.transfers(studio.owner)[0].state, RoyaltyTransfer::State::created);
  EXPECT_EQ(studio.transfers(studio.owner)[0].refusals, 1);
  EXPECT_EQ(studio.has(studio.owner), 0);
  studio.stripe.reverse_by_hand("tr_before", 500);
  studio.pass(day);
  studio.earnings.work();
  EXPECT_EQ(studio.transfers(studio.owner)[0].state, RoyaltyTransfer::State::sent);
  EXPECT_EQ(studio.has(studio.owner), 374);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, WaitWhileThePaymentBehindThemIsDisputed) {
  Studio studio;
  const Account owner = studio.add_artist(), payer = studio.add_account(), good = studio.add_account();
  studio.add_voice("her", owner, 300);
  const Order order = studio.buy(payer, 120, 1499);
  studio.sing(payer, "her", 100);
  studio.buy(good, 120, 1499);
  const Job kept = studio.sing(good, "her", 100);
  studio.dispute(order, "needs_response");
  studio.service.store->write([&](Transaction& transaction) { transaction.accounts().erase(payer.id, studio.service.clock.now()); });
  studio.pass(90 * day);
  studio.earnings.work();
  ASSERT_EQ(studio.transfers(owner).size(), 1u);
  EXPECT_EQ(studio.transfers(owner)[0].amount, 374) << "that of the other payer";
  studio.dispute(order, "won");
  studio.earnings.work();
  EXPECT_EQ(studio.transfers(owner).size(), 2u);
  EXPECT_EQ(studio.has(owner), 374 + 375);
  EXPECT_THAT(studio.audit(), IsEmpty());
}

TEST(Royalties, GoWhereTheOwnerIsNow) {
  Restored studio;
  studio.stripe.poor = true;
  studio.earnings.work();
  ASSERT_EQ(studio.transfers(studio.owner).size(), 1u);
  studio.service.store->write([&](Transaction& transaction) {
    PayoutAccount account = transaction.earnings().payout_account(studio.owner.id).value();
    account.stripe = "acct_new";
    transaction.earnings().save(account);
  });
  studio.pass(20 * day);
  studio.earnings.work();
  std::vector<std::string> matters;
  studio.service.store->read([&](Transaction& transaction) { matters = transaction.earnings().attention(studio.service.clock.now()); });
  EXPECT_THAT(matters, ::testing::ElementsAre(::testing::HasSubstr("waits since")));
  studio.stripe.poor = false;
  studio.pass(day);
  studio.earnings.work();
  EXPECT_EQ(studio.transfers(studio.owner)[0].state, RoyaltyTransfer::State::sent);
  EXPECT_EQ(studio.stripe.destinations.begin()->second, "acct_new");
}

// ---- what goes wrong at Stripe ----

std::vector<std::string> matters_of(Stage& stage) {
  std::vector<std::string> all;
  stage.service.store->read([&](Transaction& transaction) { all = transaction.earnings().attention(stage.service.clock.now()); });
  return all;
}

TEST(Earnings, StopWhenThePageOfTheArtistGoes) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account(), other = stage.add_account();
  Artist page;
  page.account = artist.id;
  page.handle = "maria";
  page.name = "Maria";
  page.links = "[]";
  stage.service.store->write([&](Transaction& transaction) { transaction.artists().add(page, stage.service.clock.now()); });
  const FanSubscription paid = stage.subscribe(fan, artist), own = stage.subscribe(artist, stage.add_artist());
  stage.stripe.pay(paid.session);
  stage.deliver();
  const FanPayment tip = stage.tip(other, artist, 500);
  stage.service.store->write([&](Transaction& transaction) { transaction.artists().erase(artist.id, stage.service.clock.now()); });
  stage.earnings.work();
  EXPECT_EQ(stage.now(paid).state, State::ended);
  EXPECT_EQ(stage.stripe.sessions.at(tip.session).status, "expired");
  EXPECT_EQ(stage.now(tip).state, FanPayment::State::expired);
  EXPECT_EQ(stage.now(own).state, State::pending) << "what the artist pays to others goes on";
}

TEST(Earnings, CountOfConnectedAccountsWhatComesFromThereOnly) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 500);
  stage.stripe.pay(tip.session);
  json forged = stage.stripe.events.back();
  forged["account"] = "acct_" + artist.id;
  EXPECT_FALSE(stage.earnings.apply_event(forged));
  EXPECT_EQ(stage.has(artist), 0);
  stage.service.config.stripe_secret_key = "rk_live_1";
  json trial = stage.stripe.events.back();
  trial["livemode"] = false;
  EXPECT_FALSE(stage.earnings.apply_event(trial));
  EXPECT_EQ(stage.has(artist), 0);
  trial["livemode"] = true;
  EXPECT_TRUE(stage.earnings.apply_event(trial));
  EXPECT_EQ(stage.has(artist), 450);
}

TEST(Earnings, ADisputeThatWasWonInTheMeantimeTakesNothing) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 1000);
  stage.stripe.pay(tip.session);
  stage.deliver();
  const std::string charge = stage.now(tip).charge;
  stage.stripe.dispute(charge, "dp_1", "lost", 600);
  stage.deliver();
  stage.stripe.dispute(charge, "dp_1", "won", 600);
  stage.deliver();
  stage.earnings.work();
  EXPECT_EQ(stage.has(artist), 900);
  stage.stripe.dispute(charge, "dp_2", "lost", 400);
  stage.deliver();
  stage.earnings.work();
  stage.deliver();
  EXPECT_EQ(stage.stripe.charges.at(charge).reversed, 400);
  stage.stripe.dispute(charge, "dp_3", "lost", 100);
  stage.deliver();
  stage.pass(day);
  stage.earnings.work();
  stage.deliver();
  EXPECT_EQ(stage.stripe.charges.at(charge).reversed, 500) << "only what is more";
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, RefusalsMakeNewKeys) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 1000);
  stage.stripe.pay(tip.session);
  stage.deliver();
  stage.stripe.charges.at(stage.now(tip).charge).open.insert("dp_unheard");
  stage.change(tip, [](FanPayment& payment) { payment.refund_wanted = true; });
  for (int i = 0; i < 7; ++i) {
    stage.earnings.work();
    EXPECT_EQ(stage.now(tip).refusals, i + 1);
    stage.pass(day);
  }
  EXPECT_THAT(matters_of(stage), ::testing::ElementsAre(::testing::HasSubstr("refused 7 times to give back")));
  stage.stripe.charges.at(stage.now(tip).charge).open.clear();
  stage.earnings.work();
  stage.deliver();
  EXPECT_EQ(stage.now(tip).refunded, 1000);
  EXPECT_THAT(matters_of(stage), IsEmpty());
}

TEST(Earnings, FindOutWhatNoEventTold) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account(), other = stage.add_account();
  const FanSubscription subscription = stage.subscribe(fan, artist);
  const FanPayment tip = stage.tip(other, artist, 1000);
  stage.stripe.pay(subscription.session);
  stage.stripe.pay(tip.session);
  stage.earnings.work();
  EXPECT_EQ(stage.has(artist), 0) << "an event may come yet";
  stage.pass(2 * hour);
  stage.earnings.work();
  EXPECT_EQ(stage.now(subscription).state, State::active);
  EXPECT_EQ(stage.has(artist), 450 + 900);
  // Two months at once: all invoices are asked for.
  stage.pass(30 * day);
  stage.stripe.renew(stage.now(subscription).stripe);
  stage.pass(30 * day);
  stage.stripe.renew(stage.now(subscription).stripe);
  stage.stripe.events.clear();
  stage.pass(2 * hour);
  stage.earnings.work();
  EXPECT_EQ(stage.has(artist), 3 * 450 + 900);
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, WalkThroughStripesOwnListOfEvents) {
  Stage stage;
  const Account artist = stage.add_artist(), fan = stage.add_account();
  const FanPayment tip = stage.tip(fan, artist, 3000);
  stage.stripe.pay(tip.session);
  stage.deliver();
  stage.earnings.work();  // remembers where the list ends
  for (int i = 0; i < 60; ++i) stage.stripe.refund_by_hand(stage.now(tip).charge, 10, true);
  stage.earnings.work();
  EXPECT_EQ(stage.now(tip).refunded, 0) << "once a day";
  stage.pass(day);
  stage.stripe.refund_fails(stage.now(tip).charge);
  for (int i = 0; i < 10; ++i) stage.earnings.work();
  EXPECT_EQ(stage.now(tip).refunded, 600);
  EXPECT_THAT(matters_of(stage), ::testing::ElementsAre(::testing::HasSubstr("A refund of payment"))) << "the last of them";
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(Earnings, PayoutsMayTakeFromTheBank) {
  Stage stage;
  const Account artist = stage.add_artist();
  stage.stripe.pay_out("acct_" + artist.id, "po_1", "paid", -400);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 400);
  EXPECT_EQ(stage.balance(bank_account("eur", artist.id)), -400);
  stage.stripe.pay_out("acct_" + artist.id, "po_1", "failed", -400);
  stage.deliver();
  EXPECT_EQ(stage.has(artist), 0);
  EXPECT_THAT(matters_of(stage), IsEmpty());
  stage.stripe.pay_out("acct_" + artist.id, "po_2", "paid", 100);
  stage.deliver();
  EXPECT_THAT(matters_of(stage), ::testing::ElementsAre(::testing::HasSubstr("more was taken out")));
  EXPECT_THAT(stage.audit(), IsEmpty());
}

TEST(EarningFacts, MoneyThatWentBackTwiceIsBookedTwice) {
  FanPayment payment;
  payment.id = "in_1";
  payment.currency = "eur";
  payment.artist = "artist";
  payment.state = FanPayment::State::paid;
  payment.charged = payment.refunded = 500;
  const FanPayment twice = merge(payment, DisputeFact{"dp_1", "lost", 500});
  Money fans = 0;
  for (const LedgerEntry& entry : entries_of(payment, twice))
    for (const Posting& posting : entry.postings)
      if (posting.account == fans_account("eur")) fans += posting.amount;
  EXPECT_EQ(fans, 500);
}

TEST(EarningFacts, APaidMonthWithoutItsChargeDoesNotCount) {
  FanPayment payment;
  payment.state = FanPayment::State::paid;
  EXPECT_TRUE(counts(payment)) << "a free one";
  payment.amount = 500;
  EXPECT_FALSE(counts(payment));
  payment.charged = 500;
  EXPECT_TRUE(counts(payment));
}

}  // namespace
}  // namespace webwrap::testing
