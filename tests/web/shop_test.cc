#include <atomic>
#include <future>
#include <thread>

#include "fake_gateway.h"
#include "payments/webhook_signature.h"
#include "service.h"

namespace webwrap::testing {
namespace {

constexpr const char* secret = "whsec_test";

/// A service that sells, and a signed-in member.
class ShopTest : public ::testing::Test {
 protected:
  ShopTest() {
    service_.payments = &gateway_;
    service_.context = std::make_unique<Context>(Context{service_.config, *service_.store, *service_.blobs, service_.mailer, gateway_,
                                                         service_.clock, service_.disk, *service_.connect});
    service_.config.stripe_secret_key = "sk_test_secret";
    service_.config.stripe_webhook_secrets = {"whsec_old", secret};
    add_account_routes(service_.router, *service_.context);
    add_shop_routes(service_.router, *service_.context);
    add_credit_routes(service_.router, *service_.context);
    account_ = sign_up(member_, "singer@example.org");
  }

  static std::string sign_up(Browser& browser, const std::string& email) {
    const http::Response response = browser.send(Method::post, "/api/v1/accounts", {{"email", email}, {"password", "seven quiet otters"}});
    EXPECT_EQ(response.status, 201) << response.body;
    return body_of(response).at("id");
  }

  json buy() {
    const http::Response response = member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}});
    EXPECT_EQ(response.status, 201) << response.body;
    return body_of(response);
  }

  static json ask(Browser& buyer, const json& bought) {
    return body_of(buyer.send(Method::get, "/api/v1/orders/" + bought.at("id").get<std::string>()));
  }
  /// After a while, so that the provider may be asked again.
  json order(const json& bought) {
    service_.clock.time += 3;
    return ask(member_, bought);
  }
  Credits balance() { return body_of(member_.send(Method::get, "/api/v1/credits")).at("balance"); }
  CheckoutSession& session_of(const json& bought) {
    return gateway_.sessions.at(gateway_.by_key.at("order-" + bought.at("id").get<std::string>()));
  }

  http::Response deliver(const std::string& body, const std::string& signature) {
    Browser stripe(service_);
    return stripe.send_raw(Method::post, "/api/v1/stripe/webhook", body,
                           {{"stripe-signature", signature}, {"sec-fetch-site", "cross-site"}});
  }
  http::Response deliver(const std::string& body) {
    const Seconds now = service_.clock.now();
    return deliver(body, fmt::format("t={},v1={}", now, sign_webhook(secret, now, body)));
  }
  std::string completed(const json& bought) {
    const json object = {{"id", session_of(bought).id},       {"payment_intent", "pi_1"},
                         {"payment_status", "paid"},          {"amount_total", bought.at("amount")},
                         {"currency", bought.at("currency")}, {"metadata", {{"order_id", bought.at("id")}}}};
    return json{{"id", "evt_" + new_id()}, {"type", "checkout.session.completed"}, {"data", {{"object", object}}}}.dump();
  }

  Service service_;
  FakeGateway gateway_;
  Browser member_{service_};
  std::string account_;
};

TEST_F(ShopTest, SellsAPack) {
  EXPECT_EQ(balance(), 0);
  gateway_.on_create = [&](const Order& order) {  // the key is stored before Stripe is called
    service_.store->read([&](Transaction& transaction) {
      EXPECT_EQ(transaction.orders().find(order.id).value().idempotency_key, order.idempotency_key);
      EXPECT_FALSE(order.idempotency_key.empty());
    });
  };
  const json bought = buy();
  EXPECT_EQ(bought.at("state"), "pending");
  EXPECT_EQ(bought.at("checkout_url"), "https://pay.example/cs_1");
  EXPECT_EQ(bought.at("credits"), 30);
  EXPECT_EQ(bought.at("amount"), 499);
  EXPECT_EQ(gateway_.last.email, "singer@example.org");
  EXPECT_EQ(gateway_.last.success_url, service_.config.base_url() + "/app/credits?order=" + bought.at("id").get<std::string>());

  EXPECT_EQ(deliver(completed(bought)).status, 200);
  EXPECT_EQ(balance(), 30);
  const json paid = order(bought);
  EXPECT_EQ(paid.at("state"), "paid");
  EXPECT_TRUE(paid.at("checkout_url").is_null());
  const json orders = body_of(member_.send(Method::get, "/api/v1/orders"));
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0], paid);
  const json history = body_of(member_.send(Method::get, "/api/v1/credits")).at("history");
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].at("kind"), "purchase");
  EXPECT_EQ(history[0].at("amount"), 30);
  EXPECT_EQ(history[0].at("balance"), 30);
}

TEST_F(ShopTest, FulfilsWhenAskedWhereTheWebhookWasLost) {
  const json bought = buy();
  EXPECT_EQ(order(bought).at("state"), "pending");
  session_of(bought).status = "complete";
  session_of(bought).payment_status = "paid";
  gateway_.down = true;
  EXPECT_EQ(order(bought).at("state"), "pending");  // what is known stands
  gateway_.down = false;
  EXPECT_EQ(order(bought).at("state"), "paid");
  EXPECT_EQ(deliver(completed(bought)).status, 200);  // the webhook comes after all
  EXPECT_EQ(balance(), 30);
  const int calls = gateway_.calls;
  EXPECT_EQ(order(bought).at("state"), "paid");
  EXPECT_EQ(gateway_.calls, calls);  // nothing is left to ask
}

TEST_F(ShopTest, OpensTheSameSessionAgainAfterAFailure) {
  gateway_.down = true;
  const http::Response refused = member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}});
  EXPECT_EQ(refused.status, 502);
  EXPECT_EQ(body_of(refused).at("code"), "payment_provider");
  const json left = body_of(member_.send(Method::get, "/api/v1/orders")).at(0);
  EXPECT_EQ(left.at("state"), "created");
  gateway_.down = false;
  EXPECT_EQ(order(left).at("state"), "pending");
  EXPECT_EQ(order(left).at("checkout_url"), "https://pay.example/cs_1");
  EXPECT_EQ(gateway_.sessions.size(), 1u);
}

TEST_F(ShopTest, AsksTheProviderNowAndThenWhateverAnAccountAsksFor) {
  const json first = buy(), second = buy();
  const auto calls_for = [&](const json& bought) {
    const int before = gateway_.calls;
    EXPECT_EQ(ask(member_, bought).at("state"), "pending");
    return gateway_.calls - before;
  };
  EXPECT_EQ(calls_for(first), 1);
  EXPECT_EQ(calls_for(second), 0);
  service_.clock.time += 2;
  EXPECT_EQ(calls_for(first), 0);
  service_.clock.time += 1;
  EXPECT_EQ(calls_for(second), 1);
}

TEST_F(ShopTest, UsesOneTryWhereItAsksAgainAnyway) {
  gateway_.down = true;
  member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}});
  gateway_.down = false;
  const json left = body_of(member_.send(Method::get, "/api/v1/orders")).at(0);
  EXPECT_EQ(order(left).at("state"), "pending");
  EXPECT_EQ(gateway_.last.retry, RetryPolicy::once);
  buy();
  EXPECT_EQ(gateway_.last.retry, RetryPolicy::standard);
}

/// Whoever waits for the provider holds a handler thread.
TEST_F(ShopTest, AFewWaitForTheProviderAndOthersGetWhatIsKnown) {
  constexpr int people = 6, at_a_time = 2;
  service_.config.signups_per_day = 100;
  std::vector<Browser> buyers(people, Browser(service_));
  std::vector<json> bought;
  for (int i = 0; i < people; ++i) {
    sign_up(buyers[std::size_t(i)], fmt::format("buyer{}@example.org", i));
    bought.push_back(body_of(buyers[std::size_t(i)].send(Method::post, "/api/v1/orders", {{"pack", "small"}})));
  }
  std::promise<void> answers;
  const std::shared_future<void> answer = answers.get_future().share();
  std::atomic<int> asking = 0;
  gateway_.on_find = [&] {
    ++asking;
    answer.wait();
  };
  std::vector<std::thread> waiting;
  for (int i = 0; i < at_a_time; ++i)
    waiting.emplace_back([&, i] { EXPECT_EQ(ask(buyers[std::size_t(i)], bought[std::size_t(i)]).at("state"), "pending"); });
  while (asking < at_a_time) std::this_thread::yield();
  std::vector<std::future<json>> others;
  for (std::size_t i = at_a_time; i < people; ++i)
    others.push_back(std::async(std::launch::async, [&, i] { return ask(buyers[i], bought[i]); }));
  for (std::future<json>& other : others) {
    EXPECT_EQ(other.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    if (asking > at_a_time) break;  // and the answers must come for this test to end
    EXPECT_EQ(other.get().at("state"), "pending");
  }
  EXPECT_EQ(asking, at_a_time);
  answers.set_value();
  for (std::thread& thread : waiting) thread.join();
}

TEST_F(ShopTest, RefusesBuyersWhereTooManyBuyAtOnce) {
  service_.config.handler_threads = 1;  // room for one, and nobody waits
  service_.router = {};
  add_account_routes(service_.router, *service_.context);
  add_shop_routes(service_.router, *service_.context);
  std::promise<void> begun, answers;
  gateway_.on_create = [&](const Order&) {
    begun.set_value();
    answers.get_future().wait();
  };
  std::thread first([&] { buy(); });
  begun.get_future().wait();
  Browser other(service_);
  sign_up(other, "other@example.org");
  auto second = std::async(std::launch::async, [&] { return other.send(Method::post, "/api/v1/orders", {{"pack", "small"}}); });
  EXPECT_EQ(second.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  answers.set_value();
  first.join();
  const http::Response refused = second.get();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(body_of(refused).at("code"), "busy");
  EXPECT_TRUE(body_of(other.send(Method::get, "/api/v1/orders")).empty());
  gateway_.on_create = nullptr;
  EXPECT_EQ(other.send(Method::post, "/api/v1/orders", {{"pack", "small"}}).status, 201);
}

TEST_F(ShopTest, RefusesWebhooksThatStripeDidNotSign) {
  const std::string body = completed(buy());
  const Seconds now = service_.clock.now(), old = now - service_.config.stripe_tolerance_s - 1;
  const std::string right = sign_webhook(secret, now, body);
  for (const std::string& signature :
       {std::string(), std::string("t=1"), "v1=" + right, fmt::format("t={},v1={}", now, sign_webhook("whsec_other", now, body)),
        fmt::format("t={},v0={}", now, right), fmt::format("t={},v1={}", now + 1, right),
        fmt::format("t={},v1={}", old, sign_webhook(secret, old, body))}) {
    const http::Response response = deliver(body, signature);
    EXPECT_EQ(response.status, 400) << signature;
    EXPECT_EQ(body_of(response).at("code"), "bad_signature");
  }
  EXPECT_EQ(deliver(body + " ", fmt::format("t={},v1={}", now, right)).status, 400);
  EXPECT_EQ(balance(), 0);
  EXPECT_EQ(deliver(body, fmt::format("t={},v1={},v1={}", now, sign_webhook("whsec_other", now, body), right)).status, 200);
  EXPECT_EQ(balance(), 30);
}

TEST_F(ShopTest, TakesBothSecretsWhileOneIsRolled) {
  const Seconds now = service_.clock.now();
  const std::string body = completed(buy());
  EXPECT_EQ(deliver(body, fmt::format("t={},v1={}", now, sign_webhook("whsec_old", now, body))).status, 200);
  EXPECT_EQ(balance(), 30);
}

TEST_F(ShopTest, SignedInvalidJsonIsRefusedAndUnknownTypesAreAccepted) {
  for (const char* body :
       {"", "null", "[]", "{", "{}", R"({"id":"evt_1","type":"charge.refunded"})", R"({"id":1,"type":2,"data":{"object":{}}})"}) {
    const http::Response response = deliver(body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(body_of(response).at("code"), "invalid_event");
  }
  for (const char* body : {R"({"id":"evt_1","type":"customer.created","data":{"object":{"id":"cus_1"}}})",
                           R"({"id":"evt_2","type":"charge.refunded","data":{"object":{"payment_intent":null,"amount_refunded":"x"}}})",
                           R"({"id":"evt_3","type":"charge.dispute.created","data":{"object":{"status":"needs_response","id":"dp_1"}}})",
                           R"({"id":"evt_4","type":"checkout.session.completed","data":{"object":{"metadata":{"order_id":[1]}}}})"})
    EXPECT_EQ(deliver(body).status, 200) << body;
}

TEST_F(ShopTest, WebhookAsksForTryingAgainWhileTheProviderMustBeAskedAndIsDown) {
  buy();
  gateway_.down = true;
  const std::string body =
      R"({"id":"evt_1","type":"charge.dispute.created","data":{"object":{"id":"dp_1","status":"needs_response","payment_intent":"pi_9"}}})";
  EXPECT_EQ(deliver(body).status, 502);
  gateway_.down = false;
  EXPECT_EQ(deliver(body).status, 200);
}

TEST_F(ShopTest, EventsOfConnectedAccountsAndTrialsSellNothing) {
  const json bought = buy();
  json event = json::parse(completed(bought));
  event["account"] = "acct_1";
  EXPECT_EQ(deliver(event.dump()).status, 200) << "nor are they sent again";
  event.erase("account");
  service_.config.stripe_secret_key = "sk_live_secret";
  event["livemode"] = false;
  EXPECT_EQ(deliver(event.dump()).status, 200);
  const Credits before = balance();
  event["livemode"] = true;
  EXPECT_EQ(deliver(event.dump()).status, 200);
  EXPECT_EQ(balance() - before, bought.at("credits").get<Credits>());
}

TEST_F(ShopTest, OrdersAreTheBuyersOnly) {
  const json bought = buy();
  const std::string path = "/api/v1/orders/" + bought.at("id").get<std::string>();
  Browser other(service_), guest(service_), stranger(service_);
  other.client = "192.0.2.2";
  guest.client = "192.0.2.3";
  sign_up(other, "other@example.org");
  EXPECT_EQ(other.send(Method::get, path).status, 404);
  EXPECT_EQ(body_of(other.send(Method::get, "/api/v1/orders")).size(), 0u);
  EXPECT_EQ(member_.send(Method::get, "/api/v1/orders/nonsense").status, 404);
  EXPECT_EQ(stranger.send(Method::get, path).status, 401);
  EXPECT_EQ(stranger.send(Method::post, "/api/v1/orders", {{"pack", "small"}}).status, 401);
  EXPECT_EQ(stranger.send(Method::get, "/api/v1/credits").status, 401);
  ASSERT_EQ(guest.send(Method::post, "/api/v1/guests").status, 201);
  EXPECT_EQ(guest.send(Method::post, "/api/v1/orders", {{"pack", "small"}}).status, 403);
}

TEST_F(ShopTest, RefusesWhatItDoesNotSell) {
  for (const json& body : {json{{"pack", "huge"}}, json{{"pack", 3}}, json::object(), json{{"pack", "small"}, {"amount", 1}}}) {
    const http::Response response = member_.send(Method::post, "/api/v1/orders", body);
    EXPECT_EQ(response.status, 422) << response.body;
  }
  EXPECT_EQ(gateway_.calls, 0);
}

TEST_F(ShopTest, FrozenAccountsBuyNothing) {
  const json bought = buy();
  deliver(completed(bought));
  deliver(
      R"({"id":"evt_1","type":"charge.dispute.created","data":{"object":{"id":"dp_1","status":"needs_response","payment_intent":"pi_1"}}})");
  EXPECT_EQ(order(bought).at("state"), "disputed");
  const http::Response refused = member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(body_of(refused).at("code"), "account_frozen");
}

TEST_F(ShopTest, OrdersAreLimited) {
  for (int index = 0; index < 20; ++index) EXPECT_EQ(member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}}).status, 201);
  EXPECT_EQ(member_.send(Method::post, "/api/v1/orders", {{"pack", "small"}}).status, 429);
}

TEST(ShopWithoutKeys, SaysSo) {
  Service service;
  add_shop_routes(service.router, *service.context);
  Browser browser(service);
  for (const char* path : {"/api/v1/orders", "/api/v1/stripe/webhook"}) {
    const http::Response response = browser.send(Method::post, path, {{"pack", "small"}});
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(body_of(response).at("code"), "shop_not_configured");
  }
}

}  // namespace
}  // namespace webwrap::testing
