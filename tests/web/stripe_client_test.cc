// Stripe's client against a stand-in within the process.
#include "payments/stripe_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <mutex>

#include "domain/error.h"
#include "domain/id.h"
#include "http/server.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using ::testing::HasSubstr;

struct StripeClient : ::testing::Test {
  StripeClient() : dir(std::filesystem::temp_directory_path() / ("webwrap-stripe-" + new_id())), blobs(open_local_blob_store(dir)) {
    const auto answer = [this](const Request& request) {
      const std::lock_guard lock(mutex);
      bodies.push_back(request.body);
      Response response;
      response.status = status;
      response.body = R"({"id": "cs_1", "amount_total": 594, "currency": "eur", "total_details": {"amount_tax": 95}})";
      return response;
    };
    router.add(Method::post, "/v1/checkout/sessions", answer);
    router.add(Method::get, "/v1/checkout/sessions/{id}", answer);
    http::ServerOptions options;
    options.port = 0;
    options.spool_dir = dir / "spool";
    server = std::make_unique<http::Server>(router, *blobs, options);
    server->start();
    config.stripe_api_base = fmt::format("http://127.0.0.1:{}", server->port());
    config.stripe_secret_key = "sk_test_secret";
  }
  ~StripeClient() override {
    server.reset();
    std::filesystem::remove_all(dir);
  }

  CheckoutSession open(RetryPolicy retry) {
    Order order;
    order.amount = 499;
    order.currency = "eur";
    return stripe->create_session(order, "30 credits", "http://x/", "http://x/", "", retry);
  }

  std::filesystem::path dir;
  std::unique_ptr<BlobStore> blobs;
  http::Router router;
  std::unique_ptr<http::Server> server;
  std::mutex mutex;
  std::vector<std::string> bodies;  ///< of all calls
  int status = 200;
  Config config;
  std::unique_ptr<PaymentGateway> stripe = make_stripe_gateway(config);
};

TEST_F(StripeClient, SellsInTheCurrencyOfThePrice) {
  const CheckoutSession session = open(RetryPolicy::standard);
  EXPECT_EQ(session.amount_total, 594);
  EXPECT_EQ(session.amount_tax, 95);
  EXPECT_EQ(session.currency, "eur");
  ASSERT_EQ(bodies.size(), 1u);
  EXPECT_THAT(bodies[0], HasSubstr("adaptive_pricing%5Benabled%5D=false"));
}

TEST_F(StripeClient, RetriesUnlessToldToTryOnce) {
  status = 500;
  EXPECT_THROW(open(RetryPolicy::standard), ServiceError);
  EXPECT_EQ(bodies.size(), 3u);
  EXPECT_THROW(open(RetryPolicy::once), ServiceError);
  EXPECT_EQ(bodies.size(), 4u);
  EXPECT_THROW(stripe->find_session("cs_1"), ServiceError);
  EXPECT_EQ(bodies.size(), 5u);
}

}  // namespace
}  // namespace webwrap
