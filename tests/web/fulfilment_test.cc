#include "payments/fulfilment.h"

#include <algorithm>
#include <random>
#include <thread>

#include "fake_gateway.h"
#include "service.h"

namespace webwrap::testing {
namespace {

constexpr Credits bought = 30;
constexpr std::int64_t price = 499;

/// An order that waits for its payment, and the events that Stripe sends about it.
class Shop {
 public:
  Shop() { service.payments = &gateway; }

  Order add_order(Order::State state = Order::State::pending) {
    Account account;
    account.id = new_id();
    account.kind = AccountKind::member;
    account.email = account.id + "@example.org";
    Order order;
    order.id = new_id();
    order.account = account.id;
    order.pack = "small";
    order.credits = bought;
    order.amount = price;
    order.currency = "eur";
    order.state = state;
    order.idempotency_key = "order-" + order.id;
    if (state != Order::State::created) order.session = "cs_" + order.id;
    gateway.payments["pi_" + order.id] = order.id;
    service.store->write([&](Transaction& transaction) {
      transaction.accounts().add(account);
      transaction.orders().add(order);
    });
    return order;
  }

  static json event(const std::string& type, json object) {
    return {{"id", "evt_" + new_id()}, {"type", type}, {"data", {{"object", object}}}};
  }
  static json checkout(const Order& order, const std::string& what, const std::string& payment_status) {
    return event("checkout.session." + what, {{"id", "cs_" + order.id},
                                              {"payment_intent", "pi_" + order.id},
                                              {"payment_status", payment_status},
                                              {"amount_total", price},
                                              {"currency", "eur"},
                                              {"metadata", {{"order_id", order.id}}}});
  }
  static json refund(const Order& order, std::int64_t amount_refunded) {
    return event("charge.refunded", {{"id", "ch_" + order.id},
                                     {"payment_intent", "pi_" + order.id},
                                     {"amount", price},
                                     {"amount_refunded", amount_refunded},
                                     {"metadata", {{"order_id", order.id}}}});
  }
  static json dispute(const Order& order, const std::string& what, const std::string& status, std::int64_t amount = price,
                      const std::string& name = "1") {
    return event("charge.dispute." + what,
                 {{"id", "dp_" + name + order.id}, {"payment_intent", "pi_" + order.id}, {"amount", amount}, {"status", status}});
  }

  void take(const json& message) { fulfilment.apply_event(message); }

  struct Books {
    Credits balance = 0;
    Order::State state = Order::State::created;
    std::int64_t refunded = 0;
    bool frozen = false;
    bool operator==(const Books&) const = default;
    friend void PrintTo(const Books& b, std::ostream* out) {
      *out << fmt::format("balance {}, state {}, refunded {}, frozen {}", b.balance, static_cast<int>(b.state), b.refunded, b.frozen);
    }
  };
  Books books(const Order& order) {
    Books books;
    service.store->read([&](Transaction& transaction) {
      const Order now = transaction.orders().find(order.id).value();
      books = {transaction.ledger().balance(user_account(order.account)), now.state, now.refunded_amount,
               transaction.accounts().find(order.account).value().frozen};
    });
    return books;
  }
  std::vector<std::string> audit() {
    std::vector<std::string> wrong;
    service.store->read([&](Transaction& transaction) { wrong = transaction.ledger().audit(); });
    return wrong;
  }

  Service service;
  FakeGateway gateway;
  Fulfilment fulfilment{*service.store, gateway, service.clock};
};

using State = Order::State;
using Books = Shop::Books;

TEST(Fulfilment, CreditsWhenPaid) {
  Shop shop;
  const Order order = shop.add_order();
  shop.take(Shop::checkout(order, "completed", "paid"));
  EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false}));
  EXPECT_TRUE(shop.audit().empty());
}

TEST(Fulfilment, WaitsForAPaymentThatComesLater) {
  Shop shop;
  const Order order = shop.add_order(), failing = shop.add_order();
  shop.take(Shop::checkout(order, "completed", "unpaid"));
  EXPECT_EQ(shop.books(order), (Books{0, State::pending, 0, false}));
  shop.take(Shop::checkout(order, "async_payment_succeeded", "paid"));
  EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false}));
  shop.take(Shop::checkout(failing, "completed", "unpaid"));
  shop.take(Shop::checkout(failing, "async_payment_failed", "unpaid"));
  EXPECT_EQ(shop.books(failing), (Books{0, State::failed, 0, false}));
}

TEST(Fulfilment, CreditsASessionOnceWhateverEventsTellOfIt) {
  Shop shop;
  const Order order = shop.add_order();
  const json completed = Shop::checkout(order, "completed", "paid");
  shop.take(completed);
  shop.take(completed);
  shop.take(Shop::checkout(order, "completed", "paid"));  // the same change, another event
  shop.take(Shop::checkout(order, "async_payment_succeeded", "paid"));
  shop.fulfilment.apply_session({"cs_" + order.id, "", "pi_" + order.id, "complete", "paid", order.id, price, 0, "eur"});
  shop.take(Shop::checkout(order, "expired", "unpaid"));  // late: it stays paid
  EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false}));
}

TEST(Fulfilment, TakesBackInProportionToWhatWasRefunded) {
  Shop shop;
  const Order order = shop.add_order();
  shop.take(Shop::checkout(order, "completed", "paid"));
  shop.take(Shop::refund(order, 100));
  EXPECT_EQ(shop.books(order), (Books{bought - 6, State::paid, 100, false}));  // 30 * 100 / 499 = 6.01
  shop.take(Shop::refund(order, 250));
  EXPECT_EQ(shop.books(order), (Books{bought - 15, State::paid, 250, false}));
  shop.take(Shop::refund(order, 100));  // late: less than what is known
  EXPECT_EQ(shop.books(order), (Books{bought - 15, State::paid, 250, false}));
  shop.take(Shop::refund(order, price));
  EXPECT_EQ(shop.books(order), (Books{0, State::refunded, price, false}));
  EXPECT_TRUE(shop.audit().empty());
}

/// With taxes, for example: Stripe's sums are then parts of more than the price.
TEST(Fulfilment, TakesBackByThePartOfWhatWasCharged) {
  constexpr std::int64_t charged = 594;
  Shop shop;
  const Order order = shop.add_order(), disputed = shop.add_order(), untold = shop.add_order();
  for (const Order& one : {order, disputed}) {
    json completed = Shop::checkout(one, "completed", "paid");
    completed["data"]["object"].update({{"amount_total", charged}, {"total_details", {{"amount_tax", charged - price}}}});
    shop.take(completed);
  }
  const auto refund = [&](const Order& of, std::int64_t amount) {
    json event = Shop::refund(of, amount);
    event["data"]["object"]["amount"] = charged;
    shop.take(event);
  };
  refund(order, charged / 2);
  EXPECT_EQ(shop.books(order), (Books{bought / 2, State::paid, charged / 2, false}));
  refund(order, price);
  EXPECT_EQ(shop.books(order), (Books{bought - 25, State::paid, price, false}));  // 30 * 499 / 594 = 25.2
  refund(order, charged);
  EXPECT_EQ(shop.books(order), (Books{0, State::refunded, charged, false}));

  shop.take(Shop::dispute(disputed, "closed", "lost", charged / 3));
  EXPECT_EQ(shop.books(disputed).balance, bought - 10);

  shop.take(Shop::checkout(untold, "completed", "paid"));
  refund(untold, charged / 2);  // the charge itself tells
  EXPECT_EQ(shop.books(untold).balance, bought / 2);
  EXPECT_TRUE(shop.audit().empty());
}

/// The metadata that names an order can be on any payment of the operator's Stripe account.
TEST(Fulfilment, CreditsNothingForAnotherSumOrCurrency) {
  Shop shop;
  const Order order = shop.add_order();
  for (const json& paid : {json{{"amount_total", 1}}, json{{"amount_total", price + 1}}, json{{"amount_total", nullptr}},
                           json{{"currency", "idr"}}, json{{"currency", nullptr}}, json{{"total_details", {{"amount_tax", 100}}}}}) {
    json completed = Shop::checkout(order, "completed", "paid");
    completed["data"]["object"].update(paid);
    for (int sent = 0; sent < 2; ++sent) {  // Stripe sends it again, which the operator sees there, too
      try {
        shop.take(completed);
        ADD_FAILURE() << "credited for " << paid;
      } catch (const ServiceError& error) {
        EXPECT_EQ(error.code(), "payment_mismatch");
      }
    }
    EXPECT_EQ(shop.books(order), (Books{0, State::pending, 0, false})) << paid;
  }
  EXPECT_THROW(shop.fulfilment.apply_session({"cs_" + order.id, "", "pi_" + order.id, "complete", "paid", order.id, 1, 0, "eur"}),
               ServiceError);
  json right = Shop::checkout(order, "completed", "paid");
  right["data"]["object"]["currency"] = "EUR";
  shop.take(right);
  EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false}));
  EXPECT_TRUE(shop.audit().empty());
}

TEST(Fulfilment, RefundOfSpentCreditsLeavesADebt) {
  Shop shop;
  const Order order = shop.add_order();
  shop.take(Shop::checkout(order, "completed", "paid"));
  shop.service.store->write([&](Transaction& transaction) {
    LedgerEntry spent = reversal_entry(order.account, 20, "test:spent", "refund", "spent");
    transaction.ledger().post(spent);
  });
  shop.take(Shop::refund(order, price));
  EXPECT_EQ(shop.books(order), (Books{-20, State::refunded, price, false}));
}

TEST(Fulfilment, DisputeFreezesUntilItIsSettled) {
  Shop shop;
  const Order won = shop.add_order(), lost = shop.add_order();
  for (const Order& order : {won, lost}) {
    shop.take(Shop::checkout(order, "completed", "paid"));
    shop.take(Shop::dispute(order, "created", "needs_response"));
    EXPECT_EQ(shop.books(order), (Books{bought, State::disputed, 0, true}));
    shop.take(Shop::dispute(order, "updated", "under_review"));
    EXPECT_EQ(shop.books(order), (Books{bought, State::disputed, 0, true}));
  }
  shop.take(Shop::dispute(won, "closed", "won"));
  EXPECT_EQ(shop.books(won), (Books{bought, State::paid, 0, false}));
  shop.take(Shop::dispute(lost, "closed", "lost"));
  EXPECT_EQ(shop.books(lost), (Books{0, State::disputed, 0, false}));
  shop.take(Shop::dispute(lost, "funds_reinstated", "won"));  // overturned
  EXPECT_EQ(shop.books(lost), (Books{bought, State::paid, 0, false}));
  EXPECT_TRUE(shop.audit().empty());
}

TEST(Fulfilment, InquiriesTakeNothing) {
  Shop shop;
  const Order order = shop.add_order();
  shop.take(Shop::checkout(order, "completed", "paid"));
  for (const char* status : {"warning_needs_response", "warning_under_review", "warning_closed"}) {
    shop.take(Shop::dispute(order, "created", status));
    EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false})) << status;
  }
  shop.take(Shop::dispute(order, "updated", "needs_response"));  // it became a dispute
  EXPECT_TRUE(shop.books(order).frozen);
}

TEST(Fulfilment, AccountStaysFrozenWhileAnotherOrderIsDisputed) {
  Shop shop;
  const Order first = shop.add_order();
  Order second = first;
  second.id = new_id();
  second.session = "cs_" + second.id;
  second.idempotency_key = "order-" + second.id;
  shop.gateway.payments["pi_" + second.id] = second.id;
  shop.service.store->write([&](Transaction& transaction) { transaction.orders().add(second); });
  for (const Order& order : {first, second}) {
    shop.take(Shop::checkout(order, "completed", "paid"));
    shop.take(Shop::dispute(order, "created", "needs_response"));
  }
  shop.take(Shop::dispute(first, "closed", "won"));
  EXPECT_TRUE(shop.books(first).frozen);
  shop.take(Shop::dispute(second, "closed", "won"));
  EXPECT_FALSE(shop.books(first).frozen);
}

TEST(Fulfilment, RefundAndDisputeBeforeThePaymentAreKept) {
  Shop shop;
  const Order order = shop.add_order(State::created);  // not even the session is known
  shop.take(Shop::refund(order, 250));
  shop.take(Shop::dispute(order, "created", "needs_response", 249));
  EXPECT_EQ(shop.books(order), (Books{0, State::created, 250, true}));
  shop.take(Shop::dispute(order, "closed", "lost", 249));
  shop.take(Shop::checkout(order, "completed", "paid"));
  EXPECT_EQ(shop.books(order), (Books{0, State::disputed, 250, false}));
}

TEST(Fulfilment, DisputeOfAnUnknownPaymentAsksTheProviderAndFailsWhileItIsDown) {
  Shop shop;
  const Order order = shop.add_order();
  const json opened = Shop::dispute(order, "created", "needs_response");
  shop.gateway.down = true;
  EXPECT_THROW(shop.take(opened), ServiceError);
  EXPECT_FALSE(shop.books(order).frozen);
  shop.gateway.down = false;
  shop.take(opened);  // sent again: it was not noted as seen
  EXPECT_TRUE(shop.books(order).frozen);
}

TEST(Fulfilment, IgnoresWhatIsNotOurs) {
  Shop shop;
  Order foreign;
  foreign.id = new_id();
  shop.take(Shop::checkout(foreign, "completed", "paid"));
  shop.take(Shop::refund(foreign, 100));
  shop.take(Shop::dispute(foreign, "created", "needs_response"));
  shop.take(Shop::event("customer.created", {{"id", "cus_1"}}));
  shop.take(Shop::event("checkout.session.of_tomorrow", {{"id", "cs_1"}}));
  EXPECT_TRUE(shop.audit().empty());
  EXPECT_THROW(shop.take({{"id", "evt_1"}}), ServiceError);
  EXPECT_THROW(shop.take({{"id", "evt_1"}, {"type", "charge.refunded"}, {"data", 3}}), ServiceError);
}

/// client_reference_id can be set by anyone in a payment link's address; metadata cannot. And a second session does not pay an order.
TEST(Fulfilment, OnlyTheOrdersOwnSessionPaysIt) {
  Shop shop;
  const Order order = shop.add_order();
  json cheap = Shop::checkout(order, "completed", "paid");
  cheap["data"]["object"]["id"] = "cs_cheap";
  cheap["data"]["object"]["payment_intent"] = "pi_cheap";
  EXPECT_THROW(shop.take(cheap), ServiceError);
  cheap["data"]["object"].erase("metadata");
  cheap["data"]["object"]["client_reference_id"] = order.id;
  shop.take(cheap);
  EXPECT_EQ(shop.books(order), (Books{0, State::pending, 0, false}));
}

TEST(Fulfilment, DeletedAccountsOrdersAreStillBooked) {
  Shop shop;
  const Order order = shop.add_order();
  shop.service.store->write([&](Transaction& transaction) { transaction.accounts().erase(order.account, shop.service.clock.now()); });
  shop.take(Shop::checkout(order, "completed", "paid"));
  shop.take(Shop::dispute(order, "created", "needs_response"));
  shop.service.store->read([&](Transaction& transaction) {
    EXPECT_EQ(transaction.orders().find(order.id).value().state, State::disputed);
    EXPECT_EQ(transaction.ledger().balance(user_account(order.account)), bought);
  });
}

TEST(Fulfilment, EightThreadsCreditOnce) {
  Shop shop;
  for (int round = 0; round < 10; ++round) {
    const Order order = shop.add_order();
    const json completed = Shop::checkout(order, "completed", "paid");
    std::vector<std::thread> threads;
    for (int index = 0; index < 8; ++index)
      threads.emplace_back([&, index] {
        if (index % 4 == 3)
          shop.fulfilment.apply_session({"cs_" + order.id, "", "pi_" + order.id, "complete", "paid", order.id, price, 0, "eur"});
        else
          shop.take(index % 2 == 0 ? completed : Shop::checkout(order, "async_payment_succeeded", "paid"));
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(shop.books(order), (Books{bought, State::paid, 0, false}));
  }
  EXPECT_TRUE(shop.audit().empty());
}

/// Random orders of a history with repetitions end with the same books as the history itself.
TEST(Fulfilment, OrderOfEventsDoesNotMatter) {
  using History = std::vector<json> (*)(const Order&);
  const History histories[] = {
      [](const Order& o) {
        return std::vector<json>{Shop::checkout(o, "completed", "unpaid"), Shop::checkout(o, "async_payment_succeeded", "paid"),
                                 Shop::refund(o, 100), Shop::refund(o, 250), Shop::refund(o, 333)};
      },
      [](const Order& o) {
        json completed = Shop::checkout(o, "completed", "paid"), refund = Shop::refund(o, 297);
        completed["data"]["object"]["amount_total"] = refund["data"]["object"]["amount"] = 594;
        completed["data"]["object"]["total_details"] = {{"amount_tax", 594 - price}};
        return std::vector<json>{completed, refund, Shop::dispute(o, "created", "needs_response", 297),
                                 Shop::dispute(o, "closed", "lost", 297)};
      },
      [](const Order& o) {
        return std::vector<json>{Shop::checkout(o, "completed", "paid"),
                                 Shop::refund(o, 100),
                                 Shop::dispute(o, "created", "warning_needs_response", 399),
                                 Shop::dispute(o, "updated", "needs_response", 399),
                                 Shop::dispute(o, "closed", "lost", 399),
                                 Shop::dispute(o, "funds_withdrawn", "under_review", 399)};
      },
      [](const Order& o) {
        return std::vector<json>{Shop::checkout(o, "completed", "paid"), Shop::dispute(o, "created", "needs_response", 200, "1"),
                                 Shop::dispute(o, "created", "needs_response", 299, "2"), Shop::dispute(o, "closed", "lost", 200, "1"),
                                 Shop::dispute(o, "closed", "won", 299, "2")};
      },
      [](const Order& o) {
        return std::vector<json>{Shop::checkout(o, "completed", "paid"), Shop::dispute(o, "created", "needs_response"),
                                 Shop::dispute(o, "closed", "lost"), Shop::dispute(o, "funds_reinstated", "won"), Shop::refund(o, 499)};
      },
      [](const Order& o) {
        return std::vector<json>{Shop::checkout(o, "completed", "unpaid"), Shop::checkout(o, "async_payment_failed", "unpaid")};
      },
  };
  Shop shop;
  std::mt19937 random(7);
  for (const History& history : histories) {
    const Order straight = shop.add_order();
    for (const json& message : history(straight)) shop.take(message);
    const Books expected = shop.books(straight);
    for (int round = 0; round < 20; ++round) {
      const Order order = shop.add_order(round % 2 == 0 ? State::pending : State::created);
      std::vector<json> messages = history(order);
      for (std::size_t copies = messages.size(); copies > 0; --copies) {
        json again = messages[random() % messages.size()];
        if (random() % 2 == 0) again["id"] = "evt_" + new_id();  // another event about the same change
        messages.push_back(again);
      }
      std::shuffle(messages.begin(), messages.end(), random);
      for (const json& message : messages) shop.take(message);
      ASSERT_EQ(shop.books(order), expected) << json(messages).dump(1);
    }
  }
  EXPECT_TRUE(shop.audit().empty());
}

}  // namespace
}  // namespace webwrap::testing
