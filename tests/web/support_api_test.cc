// What fans and artists ask over HTTP, and what Stripe may refuse.
#include <gmock/gmock.h>

#include "artist_testing.h"
#include "commands/commands.h"
#include "fake_connect.h"
#include "payments/earning_tasks.h"
#include "payments/earnings.h"

namespace webwrap::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// An artist who can earn, with a tier, and a fan.
struct Support : ArtistTest {
  Support() {
    service.config.artist_fee_permille = 100;
    add_earning_routes(service.router, context);
    add_support_routes(service.router, context);
    become_artist(maria, "maria", "Maria");
    ready(maria);
    tier = maria.post("/earnings/tiers", {{"title", "Friends"}, {"amount", 500}}).at("id");
  }
  void ready(ApiUser& user) {
    PayoutAccount account;
    account.account = user.id;
    account.stripe = "acct_" + user.id;
    account.transfers = account.payouts = account.submitted = true;
    stripe.accounts.emplace(account.stripe, ConnectedAccount{account.stripe, true, true, true});
    service.store->write([&](Transaction& transaction) { transaction.earnings().save(account); });
  }
  /// Of the artist who is paid, by the address.
  FanPayment tip(const std::string& address, Money amount = 1000) {
    const Id id = otter.post("/artists/" + address + "/tips", {{"amount", amount}}).at("id");
    FanPayment found;
    service.store->read([&](Transaction& transaction) { found = transaction.earnings().payment(id).value(); });
    return found;
  }
  void pay(const FanPayment& tip) {
    stripe.pay(tip.session);
    deliver();
  }
  void deliver() {
    while (told < stripe.events.size()) earnings.apply_event(stripe.events[told++]);
  }
  /// The status, and a code where it is an error.
  std::pair<int, json> give_back(const FanPayment& payment) {
    const http::Response response = maria.send(Method::post, "/api/v1/earnings/payments/" + payment.id + "/refund");
    return {response.status, body_of(response).value("code", json())};
  }

  FakeConnect stripe;
  Context context{service.config, *service.store, *service.blobs, service.mailer, *service.payments, service.clock, service.disk, stripe};
  Earnings earnings{service.config, *service.store, stripe, service.clock};
  std::size_t told = 0;
  std::string tier;
};

TEST_F(Support, NobodyTakesAnothersTipsByAHandle) {
  EXPECT_EQ(otter.send(Method::put, "/api/v1/artist", {{"handle", maria.id}, {"name", "Otter"}, {"links", json::array()}}).status, 422);
  // One who has it nevertheless.
  service.store->write([&](Transaction& transaction) {
    Artist artist;
    artist.account = otter.id;
    artist.handle = maria.id;
    artist.name = "Otter";
    artist.links = "[]";
    transaction.artists().add(artist, service.clock.now());
  });
  EXPECT_EQ(tip(maria.id).artist, maria.id);
  EXPECT_EQ(tip("maria").artist, maria.id);
}

TEST_F(Support, WhatWasPaidOutIsNotGivenBack) {
  const FanPayment first = tip("maria"), second = tip("maria");
  pay(first);
  pay(second);
  stripe.pay_out("acct_" + maria.id, "po_1", "pending", 200);
  deliver();
  EXPECT_EQ(give_back(first), std::pair(202, json()));
  EXPECT_EQ(give_back(first).first, 202) << "it is wanted already";
  EXPECT_EQ(give_back(second), std::pair(409, json("paid_out"))) << "1800, of which 900 go back and 200 to the bank";
  stripe.pay_out("acct_" + maria.id, "po_1", "failed", 200);
  deliver();
  EXPECT_EQ(give_back(second).first, 202);
  EarningTasks(service.config, *service.store, stripe, service.clock).work();
  deliver();
  EXPECT_EQ(stripe.charges.begin()->second.refunded, 1000);
}

TEST_F(Support, ARefusedSubscriptionBeginsAnew) {
  stripe.refuse_sessions = true;
  EXPECT_EQ(otter.send(Method::post, "/api/v1/artists/maria/subscriptions", {{"tier", tier}}).status, 502);
  EXPECT_EQ(otter.send(Method::post, "/api/v1/artists/maria/tips", {{"amount", 500}}).status, 502);
  stripe.refuse_sessions = false;
  EXPECT_FALSE(otter.post("/artists/maria/subscriptions", {{"tier", tier}}).at("checkout_url").is_null());
}

TEST_F(Support, NewWordsDoNotChangeWhatIsBeingPaid) {
  stripe.lose_answers = 1;
  EXPECT_EQ(otter.send(Method::post, "/api/v1/artists/maria/subscriptions", {{"tier", tier}}).status, 502);
  maria.send(Method::patch, "/api/v1/earnings/tiers/" + tier, {{"title", "Best friends"}});
  EXPECT_FALSE(otter.post("/artists/maria/subscriptions", {{"tier", tier}}).at("checkout_url").is_null());
  EXPECT_EQ(stripe.sessions.size(), 1u);
  EXPECT_EQ(stripe.last_title, "Maria: Friends");
}

/// An artist whose account at Stripe gets closed.
struct ClosedAccount : Support {
  ClosedAccount() {
    stripe.create_account(maria.id, "", "");
    stripe.set_account(first, true, true);
    pay(paid);
  }
  void close() { stripe.accounts.erase(first); }
  void pay_out(Money amount) {
    stripe.pay_out(first, fmt::format("po_{}", amount), "paid", amount);
    deliver();
  }
  /// Why no other account can be opened; empty: it can.
  std::string refusal() {
    const http::Response response = maria.send(Method::post, "/api/v1/earnings/account");
    if (response.status == 201) return {};
    EXPECT_EQ(response.status, 409);
    EXPECT_EQ(body_of(response).at("code"), "account_not_settled");
    return body_of(response).at("detail");
  }
  const std::string first = "acct_" + maria.id;
  const FanPayment paid = tip("maria");
};

TEST_F(ClosedAccount, MakesRoomForAnotherWhenItIsSettled) {
  pay_out(900);
  close();
  EXPECT_EQ(body_of(maria.send(Method::post, "/api/v1/earnings/account/dashboard")).at("code"), "account_closed");
  EXPECT_EQ(body_of(maria.send(Method::post, "/api/v1/earnings/account/check")).at("account").at("missing"), "closed");
  EXPECT_EQ(give_back(paid), std::pair(409, json("account_closed")));
  EXPECT_EQ(otter.send(Method::post, "/api/v1/artists/maria/tips", {{"amount", 500}}).status, 409);
  for (int twice = 0; twice < 2; ++twice)
    EXPECT_EQ(maria.post("/earnings/account", nullptr).at("url"), "https://connect.example/" + first + "_next");
  EXPECT_EQ(maria.get("/earnings").at("account"), json({{"ready", false}, {"submitted", false}, {"missing", nullptr}}));
  service.store->read([&](Transaction& transaction) {
    const auto former = transaction.earnings().former_accounts();
    ASSERT_EQ(former.size(), 1u);
    EXPECT_EQ(former[0].stripe, first);
    EXPECT_EQ(former[0].account, maria.id);
  });
  stripe.set_account(first + "_next", true, true);
  deliver();
  EXPECT_EQ(give_back(paid), std::pair(409, json("account_closed"))) << "the new account never had it";
  const FanPayment next = tip("maria");
  EXPECT_EQ(next.destination, first + "_next");
  pay(next);
  EXPECT_EQ(give_back(next).first, 202);
}

TEST_F(ClosedAccount, KeepsWhatLiesThere) {
  pay_out(500);
  close();
  EXPECT_NE(refusal().find("money still lies in it"), std::string::npos);
  pay_out(400);  // told late, when Stripe answers nothing about it any more
  EXPECT_EQ(refusal(), "");
}

/// Fans paid in one currency and Stripe paid out in another one: each has a remainder that no event will ever end.
TEST_F(ClosedAccount, IsSettledByTheOperator) {
  const auto settle_as = [&](const char* how, const std::string& currency = "", const std::string& who = "") {
    ::testing::internal::CaptureStdout();
    const int status = settle(service.config, who.empty() ? maria.id : who, {how, currency, "Paid out by Stripe in USD", "the operator"});
    EXPECT_EQ(status, 0);
    return ::testing::internal::GetCapturedStdout();
  };
  const auto refused = [&](const char* how, const std::string& currency = "", const std::string& reason = "Paid out in USD") {
    ::testing::internal::CaptureStdout();
    std::string words;
    try {
      settle(service.config, maria.id, {how, currency, reason, "the operator"});
    } catch (const std::runtime_error& error) {
      words = error.what();
    }
    ::testing::internal::GetCapturedStdout();
    return words;
  };
  const auto balance = [&](const std::string& account) {
    Money sum = 0;
    service.store->read([&](Transaction& transaction) { sum = transaction.ledger().balance(account); });
    return sum;
  };
  stripe.pay_out(first, "po_usd", "paid", 950, "usd");
  deliver();
  EXPECT_THAT(refused("paid"), HasSubstr("no closed account")) << "Stripe pays it out";
  close();
  EXPECT_NE(refusal().find("it owes money, money still lies in it"), std::string::npos);
  EXPECT_THAT(settle_as(""), AllOf(HasSubstr("closed"), HasSubstr("900 eur (in the smallest unit) lie in"),
                                   HasSubstr("950 usd (in the smallest unit) are owed by")));
  EXPECT_THAT(refused("paid", "", ""), HasSubstr("--reason"));
  EXPECT_THAT(refused("paid", "chf"), HasSubstr("in chf"));

  stripe.pay_out(first, "po_late", "pending", 100, "usd");
  deliver();
  EXPECT_THAT(refused("paid"), HasSubstr("a payout from it is on its way"));
  EXPECT_EQ(balance(connected_account("eur", maria.id)), 900) << "nothing was booked";
  stripe.pay_out(first, "po_late", "failed", 100, "usd");
  deliver();

  EXPECT_THAT(settle_as("paid", "eur"), HasSubstr("Booked as paid: 900 eur"));
  EXPECT_EQ(balance(connected_account("eur", maria.id)), 0);
  EXPECT_EQ(balance(outside_account("eur", maria.id)), 900);
  EXPECT_EQ(refusal().find("money still lies"), std::string::npos);
  EXPECT_THAT(settle_as("written-off", "", first), HasSubstr("Booked as written-off: 950 usd"));
  EXPECT_EQ(balance(written_off_account("usd")), -950);
  EXPECT_THAT(refused("paid"), HasSubstr("no closed account")) << "once is enough";
  EXPECT_THAT(settle_as(""), AllOf(HasSubstr("Nothing is open"), HasSubstr("Paid out by Stripe in USD (booked by the operator)")));
  EXPECT_EQ(refusal(), "");

  // What moves in it when it is replaced stands under its own name, and goes the same way.
  stripe.pay_out(first, "po_usd", "failed", 950, "usd");
  deliver();
  EXPECT_THAT(settle_as("written-off"), HasSubstr("950 usd (in the smallest unit) lie in the former " + first));
  EXPECT_EQ(balance(connected_account("usd", first)), 0);
  EXPECT_EQ(balance(written_off_account("usd")), 0);
  std::map<std::string, Money> from_fans;
  for (const json& month : maria.get("/earnings/statements")) from_fans[month.at("currency")] += month.at("from_fans").get<Money>();
  EXPECT_EQ(from_fans, (std::map<std::string, Money>{{"eur", 900}, {"usd", 0}})) << "what was settled did not come from fans";

  const auto audited = [&] {
    std::vector<std::string> problems;
    service.store->read([&](Transaction& transaction) { problems = transaction.earnings().audit(); });
    return problems;
  };
  EXPECT_THAT(audited(), ::testing::IsEmpty());
  service.store->write([&](Transaction& transaction) {
    transaction.ledger().post({"odd:1", "odd", "", {{written_off_account("eur"), 5}, {service_account("eur"), -5}}, 1});
    transaction.ledger().post({"settle:x:1", "odd", "", {{outside_account("eur", "x"), 5}, {service_account("eur"), -5}}, 1});
  });
  EXPECT_THAT(audited(), ::testing::UnorderedElementsAre(HasSubstr("settle:x:1 settles what a closed account left without a reason"),
                                                         HasSubstr("Entry odd:1 moves 5"), HasSubstr("Entry settle:x:1 moves -5")));
}

TEST_F(ClosedAccount, KeepsItsDisputes) {
  pay_out(900);
  stripe.dispute(stripe.charges.begin()->first, "dp_1", "needs_response", 1000);
  deliver();
  close();
  EXPECT_NE(refusal().find("disputed"), std::string::npos);
  stripe.dispute(stripe.charges.begin()->first, "dp_1", "lost", 1000);
  deliver();
  EXPECT_NE(refusal().find("taken back"), std::string::npos);
  EarningTasks(service.config, *service.store, stripe, service.clock).work();
  deliver();
  EXPECT_NE(refusal().find("owes money"), std::string::npos);
}

TEST_F(ClosedAccount, KeepsWhatIsOnItsWay) {
  const auto refused_for = [&](const char* why) { return refusal().find(why) != std::string::npos; };
  stripe.pay_out(first, "po_1", "pending", 900);
  deliver();
  close();
  EXPECT_TRUE(refused_for("payout"));
  stripe.pay_out(first, "po_1", "paid", 900);
  deliver();
  RoyaltyTransfer transfer;
  transfer.id = "transfer";
  transfer.owner = maria.id;
  transfer.destination = first;
  transfer.currency = "eur";
  transfer.amount = 100;
  service.store->write([&](Transaction& transaction) { transaction.earnings().save(transfer); });
  FanPayment payment;
  service.store->write([&](Transaction& transaction) {
    payment = transaction.earnings().payment(paid.id).value();
    payment.refund_wanted = true;
    transaction.earnings().save(payment);
  });
  EXPECT_TRUE(refused_for("given back"));
  payment.refund_wanted = false;
  service.store->write([&](Transaction& transaction) { transaction.earnings().save(payment); });
  EXPECT_EQ(refusal(), "");
  service.store->read([&](Transaction& transaction) {
    const std::vector<RoyaltyTransfer> transfers = transaction.earnings().transfers_of(maria.id, 10);
    ASSERT_EQ(transfers.size(), 1u);
    EXPECT_EQ(transfers[0].destination, first + "_next") << "royalties that wait go to where their owner is now";
    EXPECT_GT(transfers[0].refusals, 0) << "by another key";
  });
}

TEST_F(ClosedAccount, IsNotHeldByWhatWasPaidToAnEarlierOne) {
  pay_out(900);
  close();
  EXPECT_EQ(refusal(), "");
  stripe.dispute(stripe.charges.begin()->first, "dp_1", "needs_response", 1000);
  deliver();
  stripe.set_account(first + "_next", true, true);
  deliver();
  stripe.accounts.erase(first + "_next");
  EXPECT_EQ(refusal(), "");
}

TEST_F(ClosedAccount, IsNotOneThatAWrongKeyDoesNotReach) {
  pay_out(900);
  stripe.foreign_key = true;
  for (const char* what : {"", "/check", "/dashboard"})
    EXPECT_EQ(maria.send(Method::post, std::string("/api/v1/earnings/account") + what).status, 502) << what;
  stripe.foreign_key = false;
  EXPECT_EQ(maria.post("/earnings/account", nullptr).at("url"), "https://connect.example/" + first);
}

TEST_F(Support, SongsAreForSubscribersWhereThereCanBeSome) {
  const auto can = [](ApiUser& user) { return user.get("/account").at("can_have_subscribers").get<bool>(); };
  const auto share = [](ApiUser& user) {
    return user.send(Method::post, "/api/v1/songs/" + user.song() + "/share", {{"subscribers_only", true}});
  };
  EXPECT_FALSE(can(otter));
  EXPECT_EQ(body_of(share(otter)).at("code"), "no_tiers");
  const std::string open = otter.post("/songs/" + otter.song() + "/share", json::object()).at("id");
  EXPECT_EQ(body_of(otter.send(Method::patch, "/api/v1/shares/" + open, {{"subscribers_only", true}})).at("code"), "no_tiers");
  EXPECT_FALSE(get("/shares/" + open).at("locked")) << "it stays open";
  EXPECT_TRUE(can(maria));
  const std::string song = body_of(share(maria)).at("id");
  const json subscription = otter.post("/artists/maria/subscriptions", {{"tier", tier}});
  maria.send(Method::del, "/api/v1/earnings/tiers/" + tier);
  EXPECT_FALSE(can(maria)) << "the fan has not paid yet";
  EXPECT_EQ(body_of(share(maria)).at("code"), "no_tiers");
  EXPECT_EQ(maria.send(Method::patch, "/api/v1/shares/" + song, {{"subscribers_only", true}, {"opens", 1}}).status, 200)
      << "it is for subscribers already";
  stripe.pay(stripe.sessions.begin()->first);
  deliver();
  EXPECT_TRUE(can(maria)) << "the fan goes on as it was agreed";
}

TEST_F(Support, RoyaltiesTakenBackAreNotFansMoney) {
  pay(tip("maria"));
  service.store->write([&](Transaction& transaction) {
    LedgerEntry entry;
    entry.key = "transfer:t:sent:0";
    entry.kind = "royalties";
    entry.time = service.clock.now();
    entry.postings = {{connected_account("eur", maria.id), 300}, {royalty_costs_account("eur"), -300}};
    transaction.ledger().post(entry);
    entry.key = "transfer:t:sent:100";
    entry.kind = "transfer_reversal";
    entry.postings = {{connected_account("eur", maria.id), -100}, {royalty_costs_account("eur"), 100}};
    transaction.ledger().post(entry);
  });
  EXPECT_EQ(maria.get("/earnings/statements").at(0).at("from_fans"), 900);
}

TEST_F(Support, SharingAgainForSubscribersIsHeeded) {
  add_play_routes(service.router, *service.context);
  add_discover_routes(service.router, *service.context);
  const Id song = maria.song();
  const Id share = maria.post("/songs/" + song + "/share", {{"visibility", "public"}}).at("id");
  EXPECT_EQ(maria.post("/songs/" + song + "/share", {{"subscribers_only", true}}).at("id"), share);
  EXPECT_TRUE(get("/shares/" + share).at("locked"));
  const json found = get("/discover").at("songs");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found.at(0).at("for_subscribers")) << "nobody is offered to play it";
  // And who may not hear it does not count as a listener.
  const http::Response started = otter.send(Method::post, "/api/v1/shares/" + share + "/plays", nullptr, {{"user-agent", "Mozilla/5.0"}});
  service.clock.time += 40;
  otter.send(Method::post, "/api/v1/plays/" + body_of(started).at("id").get<std::string>());
  EXPECT_EQ(get("/shares/" + share).at("plays"), 0);
}

}  // namespace
}  // namespace webwrap::testing
