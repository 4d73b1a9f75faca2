// What fans and artists ask over HTTP, and what Stripe may refuse.
#include <gmock/gmock.h>

#include "artist_testing.h"
#include "commands/commands.h"
#include "domain/month.h"
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

/// What the operator does with what is left.
struct Settling : ClosedAccount {
  SettleOptions options(const std::string& how, std::optional<Money> amount = {}, const std::string& currency = "") {
    SettleOptions made;
    made.as = how;
    made.amount = amount;
    made.currency = currency;
    made.reason = "=Paid out by Stripe, \"in USD\"";
    made.by = "root";
    return made;
  }
  SettleOptions forced(SettleOptions made) {
    made.force = true;
    return made;
  }
  std::string shown(const std::string& who) { return booked(who, SettleOptions()); }
  std::string booked(const std::string& who, const SettleOptions& with) {
    ::testing::internal::CaptureStdout();
    try {
      EXPECT_EQ(settle(service.config, stripe, who, with), 0);
    } catch (const std::runtime_error& error) {
      ADD_FAILURE() << error.what();
    }
    return ::testing::internal::GetCapturedStdout();
  }
  std::string refused(const std::string& who, const SettleOptions& with) {
    ::testing::internal::CaptureStdout();
    std::string words;
    try {
      settle(service.config, stripe, who, with);
    } catch (const std::runtime_error& error) {
      words = error.what();
    }
    ::testing::internal::GetCapturedStdout();
    return words;
  }
  Money balance(const std::string& account) {
    Money sum = 0;
    service.store->read([&](Transaction& transaction) { sum = transaction.ledger().balance(account); });
    return sum;
  }
  std::vector<std::string> audited() {
    std::vector<std::string> problems;
    service.store->read([&](Transaction& transaction) { problems = transaction.earnings().audit(); });
    return problems;
  }
  void work() {
    EarningTasks(service.config, *service.store, stripe, service.clock).work();
    deliver();
  }
  void dispute(const std::string& status, const std::string& name = "dp_1") {
    stripe.dispute(charge, name, status, 1000);
    deliver();
  }
  const std::string charge = stripe.charges.begin()->first;  // of the first tip
  std::string statement() { return maria.send(Method::get, "/api/v1/earnings/statements/" + month_of(SystemClock().now())).body; }
};

/// Fans paid in one currency and Stripe paid out in another one: each has a remainder that no event will ever end.
TEST_F(Settling, BooksOneRemainder) {
  stripe.pay_out(first, "po_usd", "paid", 950, "usd");
  deliver();
  EXPECT_THAT(refused(maria.id, options("paid", 900, "eur")), HasSubstr("no closed account")) << "Stripe pays it out";
  close();
  EXPECT_NE(refusal().find("it owes money, money still lies in it"), std::string::npos);
  EXPECT_THAT(shown(maria.id),
              AllOf(HasSubstr(first + " of " + maria.id + ": closed"), HasSubstr("900 eur (in the smallest unit) lie there"),
                    HasSubstr("950 usd (in the smallest unit) are owed by it: --amount=-950 --currency=usd")));
  SettleOptions mute = options("paid", 900, "eur");
  mute.reason.clear();
  EXPECT_THAT(refused(maria.id, mute), HasSubstr("--reason"));
  EXPECT_THAT(refused(maria.id, options("paid")), HasSubstr("--amount"));
  EXPECT_THAT(refused(maria.id, options("paid", 900, "chf")), HasSubstr("in chf"));
  EXPECT_THAT(refused(maria.id, options("paid", 900)), HasSubstr("there are 900 eur of " + first + ", -950 usd of " + first));
  EXPECT_THAT(refused(maria.id, options("paid", 901, "eur")), HasSubstr("900 eur are left of " + first + ", not 901"));

  stripe.pay_out(first, "po_late", "pending", 100, "usd");
  deliver();
  EXPECT_THAT(refused(maria.id, options("paid", 900, "eur")), HasSubstr("a payout from it is on its way"));
  EXPECT_EQ(balance(connected_account("eur", maria.id)), 900) << "nothing was booked";
  stripe.pay_out(first, "po_late", "failed", 100, "usd");
  deliver();

  EXPECT_THAT(booked(maria.id, options("paid", 900, "EUR")), HasSubstr("Booked as paid: 900 eur"));
  EXPECT_EQ(balance(connected_account("eur", maria.id)), 0);
  EXPECT_EQ(balance(connected_account("usd", maria.id)), -950);
  EXPECT_EQ(balance(outside_account("eur", maria.id)), 900);
  EXPECT_EQ(refusal().find("money still lies"), std::string::npos);
  EXPECT_THAT(booked(first, options("written-off", -950)), HasSubstr("Booked as written-off: -950 usd"));
  EXPECT_EQ(balance(written_off_account("usd")), -950);
  EXPECT_THAT(refused(maria.id, options("paid", 0)), HasSubstr("no closed account")) << "once is enough";
  EXPECT_THAT(shown(maria.id), AllOf(HasSubstr("Nothing is open"), HasSubstr("as paid, by root: =Paid out by Stripe, \"in USD\"")));
  EXPECT_EQ(refusal(), "");

  // What moves in it when it is replaced stands under its own name, and goes the same way.
  stripe.pay_out(first, "po_usd", "failed", 950, "usd");
  deliver();
  EXPECT_THAT(shown(first), AllOf(HasSubstr("950 usd"), HasSubstr("replaced"))) << "and of no other account";
  EXPECT_EQ(shown(first).find(first + "_next"), std::string::npos);
  booked(maria.id, options("written-off", 950));
  EXPECT_EQ(balance(connected_account("usd", first)), 0);
  EXPECT_EQ(balance(written_off_account("usd")), 0);
  std::map<std::string, Money> from_fans;
  for (const json& month : maria.get("/earnings/statements")) from_fans[month.at("currency")] += month.at("from_fans").get<Money>();
  EXPECT_EQ(from_fans, (std::map<std::string, Money>{{"eur", 900}, {"usd", 0}})) << "what was settled did not come from fans";

  EXPECT_THAT(audited(), ::testing::IsEmpty());
  service.store->write([&](Transaction& transaction) {
    transaction.ledger().post({"odd:1", "odd", "", {{written_off_account("eur"), 5}, {service_account("eur"), -5}}, 1});
    transaction.ledger().post({"settle:x:1", "odd", "", {{outside_account("eur", "x"), 5}, {service_account("eur"), -5}}, 1});
    Settlement made;
    made.key = "settle:y:1";
    made.amount = 7;
    made.currency = "eur";
    made.how = "paid";
    made.reason = "None";
    transaction.earnings().add(made);
  });
  EXPECT_THAT(audited(), ::testing::UnorderedElementsAre(HasSubstr("settle:x:1 settles what a closed account left without a reason"),
                                                         HasSubstr("Entry odd:1 moves 5"), HasSubstr("Entry settle:x:1 moves -5"),
                                                         HasSubstr("Settlement settle:y:1 is of 7 eur, but the books say nothing")));
}

TEST_F(Settling, IsToldToTheMember) {
  close();
  maria.send(Method::post, "/api/v1/earnings/account/check");
  booked(maria.id, options("paid", 900));
  EXPECT_EQ(refusal(), "");
  stripe.pay_out(first, "po_1", "paid", 30);  // told when another account is there
  deliver();
  booked(maria.id, options("written-off", -30));
  const std::string csv = statement(), why = ",\"'=Paid out by Stripe, \"\"in USD\"\"\"\r\n";
  EXPECT_THAT(csv, HasSubstr("account,currency,time,what,reference,amount,balance,note\r\n"));
  EXPECT_THAT(csv, ::testing::ContainsRegex("stripe,eur,[0-9]+,settled_outside,[^,]+,-900,[-0-9]+,\"'="));
  EXPECT_THAT(csv, ::testing::ContainsRegex("outside,eur,[0-9]+,settled_outside,[^,]+,900,900,\"'="));
  EXPECT_THAT(csv, ::testing::ContainsRegex(first + ",eur,[0-9]+,written_off,[^,]+,30,[-0-9]+,\"'="));
  EXPECT_THAT(csv, HasSubstr(why));
  EXPECT_EQ(csv.find("root"), std::string::npos) << "who booked it is the operator's matter";
}

/// A replaced account waits for its disputes as one that is not.
TEST_F(Settling, WaitsForWhatMovesMoneyInTheAccountThatIsMeant) {
  close();
  maria.send(Method::post, "/api/v1/earnings/account/check");
  booked(maria.id, options("paid", 900));
  EXPECT_EQ(refusal(), "");
  stripe.set_account(first + "_next", true, true);
  deliver();
  pay(tip("maria"));
  stripe.pay_out(first, "po_1", "paid", 30);
  dispute("needs_response");
  EXPECT_THAT(shown(first), HasSubstr("a payment to it is disputed"));
  EXPECT_THAT(refused(first, options("written-off", -30)), HasSubstr(first + ": a payment to it is disputed"));
  EXPECT_THAT(refused(first, forced(options("written-off", -30))), HasSubstr("disputed")) << "a bank decides";
  EXPECT_EQ(balance(connected_account("eur", first)), -30) << "nothing was booked";

  // The new one is not held by that, nor does it hold the old one.
  stripe.accounts.erase(first + "_next");
  EXPECT_THAT(booked(first + "_next", options("paid", 900)), HasSubstr("900 eur of " + first + "_next"));
  EXPECT_EQ(balance(connected_account("eur", first)), -30) << "it was not meant";

  dispute("won");
  stripe.pay_out(first, "po_2", "pending", 10);
  deliver();
  EXPECT_THAT(refused(first, options("written-off", -30)), HasSubstr("on its way"));
  EXPECT_THAT(booked(first, forced(options("written-off", -30))), HasSubstr("Given up: a payout from it is on its way"));
  stripe.pay_out(first, "po_2", "paid", 10);
  deliver();
  EXPECT_EQ(balance(connected_account("eur", first)), 0) << "what was given up moves nothing any more";
  EXPECT_THAT(audited(), ::testing::IsEmpty());
}

/// What Stripe never does is given up by a person, who says why.
TEST_F(Settling, GivesUpWhatStripeRefuses) {
  pay_out(900);
  dispute("lost");
  close();
  maria.send(Method::post, "/api/v1/earnings/account/check");
  work();
  EXPECT_NE(refusal().find("taken back"), std::string::npos) << "Stripe takes nothing from a closed account";
  EXPECT_THAT(refused(maria.id, options("written-off", 0)), HasSubstr("leaves anything"));
  EXPECT_THAT(booked(maria.id, forced(options("written-off", 0))), HasSubstr("Given up: a disputed payment is to be taken back from it"));
  EXPECT_THAT(shown(maria.id), AllOf(HasSubstr("Nothing is open"), HasSubstr("(given up: a disputed payment")));
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(audited(), ::testing::IsEmpty());
}

/// Who deleted his account asks for no form any more, so nobody else saw that it was closed at Stripe.
TEST_F(Settling, OfADeletedMember) {
  service.store->write([&](Transaction& transaction) { transaction.accounts().erase(maria.id, service.clock.now()); });
  EXPECT_THAT(refused(first, options("paid", 900)), HasSubstr("no closed account")) << "it is open";
  close();
  EXPECT_THAT(booked(first, options("paid", 900)), HasSubstr("Booked as paid: 900 eur"));
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
  stripe.reverse_charge_by_hand(stripe.charges.begin()->first);
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
