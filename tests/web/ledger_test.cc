#include "domain/ledger.h"

#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <random>
#include <set>

#include "database.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Price, ChargesEveryStartedMinute) {
  EXPECT_EQ(price_of(0, 2), 2);
  EXPECT_EQ(price_of(1, 1), 1);
  EXPECT_EQ(price_of(60, 1), 1);
  EXPECT_EQ(price_of(60.0000001, 1), 1) << "a duration's last bit is not a minute";
  EXPECT_EQ(price_of(60.01, 1), 2);
  EXPECT_EQ(price_of(200, 3), 12);
  EXPECT_EQ(price_of(-5, 1), 1);
  EXPECT_EQ(price_of(std::numeric_limits<double>::quiet_NaN(), 1), 1);
  EXPECT_GT(price_of(1e300, 1), 0);
}

TEST(Entry, MovesCreditsBetweenTheNamedAccounts) {
  const auto expect = [](const LedgerEntry& entry, const char* key, const char* kind, const char* from, const char* to, Credits amount) {
    EXPECT_NO_THROW(check(entry));
    EXPECT_EQ(entry.key, key);
    EXPECT_EQ(entry.kind, kind);
    std::map<std::string, Credits> postings;
    for (const Posting& posting : entry.postings) postings[posting.account] += posting.amount;
    EXPECT_EQ(postings, (std::map<std::string, Credits>{{from, -amount}, {to, amount}}));
  };
  expect(grant_entry("u", 5, "k", "n"), "k", "grant", "platform:granted", "user:u", 5);
  expect(purchase_entry("u", 30, "cs_1", "n"), "stripe:cs_1:sold", "purchase", "platform:sold", "user:u", 30);
  expect(reserve_entry("u", "j", 3, "n"), "job:j:reserve", "reserve", "user:u", "reserved:u", 3);
  expect(capture_entry("u", "j", 3, "n"), "job:j:capture", "capture", "reserved:u", "platform:revenue", 3);
  expect(release_entry("u", "j", 3, "n"), "job:j:release", "release", "reserved:u", "user:u", 3);
  expect(reversal_entry("u", 30, "k", "refund", "n"), "k", "refund", "user:u", "platform:sold", 30);
  expect(reversal_entry("u", -30, "k", "dispute_won", "n"), "k", "dispute_won", "platform:sold", "user:u", 30);
}

TEST(Entry, MustBalance) {
  const Credits most = std::numeric_limits<Credits>::max();
  LedgerEntry entry = grant_entry("u", 5, "k", "n");
  EXPECT_NO_THROW(check(entry));
  for (const std::vector<Posting>& postings : {std::vector<Posting>{},
                                               {{"user:u", 1}},
                                               {{"user:u", 2}, {"platform:granted", -1}},
                                               {{"user:u", 0}},
                                               {{"a", most}, {"b", most}, {"c", 2}}}) {
    entry.postings = postings;
    EXPECT_THROW(check(entry), std::logic_error);
  }
  EXPECT_THROW(check(grant_entry("u", 5, "", "n")), std::logic_error);
}

TEST(Ledger, RefusesWhatDoesNotBalanceAndWritesNothing) {
  Database database;
  LedgerEntry entry = grant_entry("u", 5, "k", "n");
  entry.postings[0].amount = 4;
  EXPECT_THROW(database.store->write([&](Transaction& transaction) { transaction.ledger().post(entry); }), std::logic_error);
  database.store->read([&](Transaction& transaction) { EXPECT_EQ(transaction.ledger().balance("user:u"), 0); });
  EXPECT_THAT(database.audit(), IsEmpty());
}

/// Random business with the books beside a model as simple as can be: balances by account, and the keys seen.
class Business {
 public:
  explicit Business(unsigned seed) : random_(seed) {
    for (int i = 0; i < 4; ++i) users_.push_back(database_.add_account().id);
  }

  void run(int transactions) {
    for (int i = 0; i < transactions; ++i) {
      const Model before = model_;
      const bool fails = pick(10) == 0;
      try {
        database_.store->write([&](Transaction& transaction) {
          for (int step = pick(12); step >= 0; --step) this->step(transaction);
          if (fails) throw std::runtime_error("the power went");
        });
        ASSERT_FALSE(fails);
      } catch (const std::runtime_error& error) {
        ASSERT_STREQ(error.what(), "the power went");
        model_ = before;
      }
      if (i % 20 == 0) compare();
      if (i % 100 == 0) {
        ASSERT_THAT(database_.audit(), IsEmpty());
      }
    }
    compare();
    EXPECT_THAT(database_.audit(), IsEmpty());
    EXPECT_GT(model_.keys.size(), static_cast<std::size_t>(transactions));
  }

 private:
  struct Model {
    std::map<std::string, Credits> balances;
    std::set<std::string> keys;
    std::vector<LedgerEntry> entries;
    std::vector<Job> jobs;      ///< queued or running
    std::vector<Order> orders;  ///< paid
  };

  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  const Id& user() { return users_[static_cast<std::size_t>(pick(static_cast<int>(users_.size())))]; }

  void post(Transaction& transaction, LedgerEntry entry) {
    entry.time = ++time_;
    const bool is_new = model_.keys.insert(entry.key).second;
    ASSERT_EQ(transaction.ledger().post(entry), is_new) << entry.key;
    if (!is_new) return;
    for (const Posting& posting : entry.postings) model_.balances[posting.account] += posting.amount;
    model_.entries.push_back(entry);
  }

  void step(Transaction& transaction) {
    switch (pick(7)) {
      case 0: return post(transaction, grant_entry(user(), 1 + pick(9), fmt::format("grant:{}", pick(300)), "Welcome"));
      case 1: return buy(transaction);
      case 2: return start(transaction);
      case 3: return work(transaction);
      case 4: return cancel(transaction);
      case 5: return take_back(transaction);
      default: return repeat(transaction);
    }
  }

  void buy(Transaction& transaction) {
    Order order;
    order.id = new_id();
    order.account = user();
    order.credits = 1 + pick(40);
    order.session = "cs_" + order.id;
    order.state = Order::State::paid;
    transaction.orders().add(order);
    post(transaction, purchase_entry(order.account, order.credits, order.session, "Bought"));
    model_.orders.push_back(order);
  }

  void start(Transaction& transaction) {
    Job job;
    job.id = new_id();
    job.account = user();
    job.price = 1 + pick(6);
    if (model_.balances[user_account(job.account)] < job.price) return;
    transaction.jobs().add(job);
    post(transaction, reserve_entry(job.account, job.id, job.price, "Song"));
    model_.jobs.push_back(job);
  }

  void work(Transaction& transaction) {
    ++time_;
    const std::optional<Job> job = transaction.jobs().claim("worker", time_, 1'000'000, 3, time_);
    if (!job) return;
    const bool good = pick(3) > 0;
    ASSERT_TRUE(transaction.jobs().finish(job->id, job->attempts, "worker", good ? Job::State::done : Job::State::failed, "", "", time_));
    post(transaction,
         good ? capture_entry(job->account, job->id, job->price, "Song") : release_entry(job->account, job->id, job->price, "Song"));
    std::erase_if(model_.jobs, [&](const Job& other) { return other.id == job->id; });
  }

  void cancel(Transaction& transaction) {
    if (model_.jobs.empty() || pick(2)) return;
    const Job job = model_.jobs[static_cast<std::size_t>(pick(static_cast<int>(model_.jobs.size())))];
    ASSERT_TRUE(transaction.jobs().cancel(job.id, ++time_));
    post(transaction, release_entry(job.account, job.id, job.price, "Song"));
    std::erase_if(model_.jobs, [&](const Job& other) { return other.id == job.id; });
  }

  /// A refund or a lost dispute, in parts.
  void take_back(Transaction& transaction) {
    if (model_.orders.empty()) return;
    const Order& order = model_.orders[static_cast<std::size_t>(pick(static_cast<int>(model_.orders.size())))];
    const Credits amount = 1 + pick(static_cast<int>(order.credits));
    const bool won = pick(3) == 0;
    post(transaction, reversal_entry(order.account, won ? -amount : amount, fmt::format("stripe:{}:back:{}", order.session, pick(3)),
                                     won ? "dispute_won" : "refund", "Refunded"));
  }

  /// An old entry again, with other amounts: nothing may happen.
  void repeat(Transaction& transaction) {
    if (model_.entries.empty()) return;
    LedgerEntry entry = model_.entries[static_cast<std::size_t>(pick(static_cast<int>(model_.entries.size())))];
    const int factor = 1 + pick(3);
    for (Posting& posting : entry.postings) posting.amount *= factor;
    post(transaction, entry);
  }

  void compare() {
    database_.store->read([&](Transaction& transaction) {
      LedgerStore& ledger = transaction.ledger();
      for (const auto& [account, balance] : model_.balances) ASSERT_EQ(ledger.balance(account), balance) << account;
      for (const Id& user : users_) {
        const Credits spendable = model_.balances[user_account(user)], reserved = model_.balances[reserved_account(user)];
        const std::vector<HistoryLine> history = ledger.history(user, std::numeric_limits<int>::max());
        Credits sum = 0;
        for (const HistoryLine& line : history) sum += line.amount;
        ASSERT_EQ(sum, spendable + reserved);
        if (!history.empty()) {
          ASSERT_EQ(history.front().balance, spendable);
        }
      }
    });
  }

  std::mt19937 random_;
  Database database_;
  std::vector<Id> users_;
  Model model_;
  Seconds time_ = 1;
};

TEST(Ledger, MatchesAModelUnderRandomOperations) {
  for (const unsigned seed : {1u, 2u, 3u}) Business(seed).run(400);
}

TEST(Ledger, TellsAUsersHistory) {
  Database database;
  database.store->write([&](Transaction& transaction) {
    Seconds time = 100;
    for (LedgerEntry entry : {grant_entry("u", 10, "welcome", "Free credits"), grant_entry("other", 7, "other", "Free credits"),
                              reserve_entry("u", "j", 4, "Song"), capture_entry("u", "j", 4, "Song"), reserve_entry("u", "k", 2, "Song 2"),
                              release_entry("u", "k", 2, "Song 2")}) {
      entry.time = time++;
      transaction.ledger().post(entry);
    }
  });
  database.store->read([&](Transaction& transaction) {
    std::string text;
    for (const HistoryLine& line : transaction.ledger().history("u", 100))
      text += fmt::format("{} {} {:+} {} {}\n", line.time, line.kind, line.amount, line.balance, line.note);
    EXPECT_EQ(
        text,
        "105 release +0 6 Song 2\n104 reserve +0 4 Song 2\n103 capture -4 6 Song\n102 reserve +0 6 Song\n100 grant +10 10 Free credits\n");
    const std::vector<HistoryLine> newest = transaction.ledger().history("u", 2);
    ASSERT_EQ(newest.size(), 2u);
    EXPECT_EQ(newest[0].kind, "release");
    EXPECT_EQ(newest[1].balance, 4);
  });
}

/// A small sound set of books: a buyer with a done, a failed and a queued job, and a refunded order.
void keep_books(Database& database, const Id& user) {
  database.store->write([&](Transaction& transaction) {
    const auto post = [&](const LedgerEntry& entry) { ASSERT_TRUE(transaction.ledger().post(entry)); };
    const auto sell = [&](const char* id, Order::State state) {
      Order order;
      order.id = id;
      order.account = user;
      order.credits = 30;
      order.session = std::string("cs_") + id;
      order.state = state;
      transaction.orders().add(order);
      if (state != Order::State::pending) post(purchase_entry(user, 30, order.session, "Bought"));
    };
    sell("paid", Order::State::paid);
    sell("refunded", Order::State::refunded);
    sell("open", Order::State::pending);
    post(reversal_entry(user, 30, "stripe:cs_refunded:back:499:", "refund", "Refunded"));
    for (const Job::State state : {Job::State::done, Job::State::failed, Job::State::queued}) {
      Job job;
      job.id = state == Job::State::done ? "good" : state == Job::State::failed ? "bad" : "waiting";
      job.account = user;
      job.state = state;
      job.price = 2;
      transaction.jobs().add(job);
      post(reserve_entry(user, job.id, 2, "Song"));
      if (state == Job::State::done) post(capture_entry(user, job.id, 2, "Song"));
      if (state == Job::State::failed) post(release_entry(user, job.id, 2, "Song"));
    }
  });
}

TEST(Ledger, IsAppendOnly) {
  Database database;
  keep_books(database, database.add_account().id);
  EXPECT_THAT(database.tamper("UPDATE entries SET note = 'x'"), HasSubstr("append-only"));
  EXPECT_THAT(database.tamper("DELETE FROM entries"), HasSubstr("append-only"));
  EXPECT_THAT(database.tamper("UPDATE postings SET amount = amount + 1"), HasSubstr("append-only"));
  EXPECT_THAT(database.tamper("DELETE FROM postings WHERE seq = 1"), HasSubstr("append-only"));
  EXPECT_THAT(database.tamper("INSERT INTO postings (entry, account, amount) VALUES (1, 'user:me', 1000)"), HasSubstr("append-only"));
  EXPECT_THAT(database.tamper("PRAGMA recursive_triggers = ON; REPLACE INTO entries SELECT * FROM entries"), HasSubstr("append-only"));
  EXPECT_THAT(database.audit(), IsEmpty());
}

struct Damage {
  const char* sql;       ///< %u: the user
  const char* sentence;  ///< that the audit then says
};

class PlantedDamage : public ::testing::TestWithParam<Damage> {};

TEST_P(PlantedDamage, IsFoundByTheAudit) {
  Database database;
  const Id user = database.add_account().id;
  keep_books(database, user);
  ASSERT_THAT(database.audit(), IsEmpty());
  std::string sql = GetParam().sql;
  for (std::size_t at; (at = sql.find("%u")) != std::string::npos;) sql.replace(at, 2, user);
  ASSERT_EQ(database.tamper("PRAGMA ignore_check_constraints = ON;"
                            "DROP TRIGGER entries_keep; DROP TRIGGER entries_stay; DROP TRIGGER postings_keep; DROP TRIGGER postings_stay;"
                            "DROP TRIGGER postings_end;" +
                            sql),
            "");
  EXPECT_THAT(database.audit(), ::testing::Contains(HasSubstr(GetParam().sentence)));
}

#define ENTRY(key, kind) "INSERT INTO entries (key, kind, note, time) VALUES ('" key "', '" kind "', '', 1);"
#define POSTING(account, amount) "INSERT INTO postings (entry, account, amount) SELECT max(seq), '" account "', " amount " FROM entries;"

INSTANTIATE_TEST_SUITE_P(
    All, PlantedDamage,
    ::testing::Values(
        Damage{"UPDATE postings SET amount = 31 WHERE seq = 2", "Entry stripe:cs_paid:sold sums to 1 credits, not 0."},
        Damage{"DELETE FROM postings WHERE entry = 1", "Entry stripe:cs_paid:sold has no postings."},
        Damage{"DELETE FROM entries WHERE seq = 1", "Posting 1 to platform:sold belongs to no entry."},
        Damage{ENTRY("x", "grant") POSTING("reserved:%u", "-9") POSTING("user:%u", "9"), "what is reserved cannot be negative"},
        Damage{ENTRY("x", "grant") POSTING("reserved:%u", "9") POSTING("user:%u", "-9"),
               "holds 11 credits, but its queued and running jobs "
               "reserved 2."},
        Damage{ENTRY("x", "capture") POSTING("user:other", "-9") POSTING("platform:revenue", "9"),
               "user:other has -9 credits, though none of its payments was taken back."},
        Damage{"UPDATE jobs SET state = 'failed' WHERE id = 'good'",
               "Job good is failed at a price of 2 credits, but the books say: reserved 2, captured 2, released nothing."},
        Damage{"UPDATE jobs SET state = 'done' WHERE id = 'bad'", "Job bad is done"},
        Damage{"UPDATE jobs SET state = 'done' WHERE id = 'waiting'", "Job waiting is done"},
        Damage{"UPDATE jobs SET price = 1 WHERE id = 'good'", "Job good is done at a price of 1 credits"},
        Damage{ENTRY("job:good:release", "release") POSTING("reserved:%u", "-2") POSTING("user:%u", "2"), "captured 2, released 2."},
        Damage{"DELETE FROM jobs WHERE id = 'waiting'", "What waiting reserved is not settled, and there is no such job."},
        Damage{ENTRY("job:no:release", "release") POSTING("reserved:%u", "-2") POSTING("user:%u", "2"),
               "Entry job:no:release settles what was never reserved."},
        Damage{"UPDATE orders SET credits = 120 WHERE id = 'paid'", "Order paid is paid, but 30 credits were booked for it, not 120."},
        Damage{"UPDATE orders SET state = 'paid' WHERE id = 'open'", "Order open is paid, but no credits were booked for it, not 30."},
        Damage{"UPDATE orders SET state = 'expired' WHERE id = 'paid'", "Order paid is expired, but credits were booked for it."},
        Damage{"DELETE FROM orders WHERE id = 'paid'", "Entry stripe:cs_paid:sold sells credits that no order asked for."},
        Damage{"UPDATE orders SET state = 'refunded' WHERE id = 'paid'",
               "Order paid is refunded, but no credits were taken back for it, not 30."},
        Damage{"PRAGMA foreign_keys = OFF; DELETE FROM accounts", "A row of jobs names one of accounts that is not there."}));

}  // namespace
}  // namespace webwrap::testing
