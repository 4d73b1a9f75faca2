#include "payments/earning_facts.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace webwrap::testing {
namespace {

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
