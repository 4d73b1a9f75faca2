#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/context.h"
#include "domain/id.h"

namespace webwrap::testing {

using http::Method;
using nlohmann::json;

struct SettableClock : Clock {
  Seconds time = 1'800'000'000;
  Seconds set_by = 0;  ///< by how much somebody set the machine's clock, which does not change how time goes on
  Seconds now() const override { return time + set_by; }
  Seconds up() const override { return time; }
};

struct CapturingMailer : Mailer {
  std::vector<Mail> sent;
  void send(const Mail& mail) override { sent.push_back(mail); }
};

/// Calls a function once, just before the next append or removal; another one each time before something is looked for or removed.
struct BlobsWithHooks : BlobStore {
  explicit BlobsWithHooks(BlobStore& blobs) : real(blobs) {}
  void put_file(const std::string& key, const std::string& path) override { real.put_file(key, path); }
  void put(const std::string& key, const std::string& bytes) override { real.put(key, bytes); }
  std::int64_t append(const std::string& key, std::int64_t offset, const std::string& bytes) override {
    if (const auto hook = std::exchange(before_append, {})) hook();
    return real.append(key, offset, bytes);
  }
  std::int64_t size(const std::string& key) override {
    if (before_each) before_each();
    return real.size(key);
  }
  std::string read(const std::string& key, std::int64_t offset, std::int64_t length) override { return real.read(key, offset, length); }
  std::string local_path(const std::string& key) override { return real.local_path(key); }
  void remove(const std::string& key) override {
    if (before_each) before_each();
    if (const auto hook = std::exchange(before_remove, {})) hook();
    real.remove(key);
  }
  void remove_all(const std::string& prefix) override { real.remove_all(prefix); }

  BlobStore& real;
  std::function<void()> before_append, before_remove, before_each;
};

/// Sells nothing: what a service without keys has.
struct NoPayments : PaymentGateway {
  bool configured() const override { return false; }
  CheckoutSession create_session(const Order&, const std::string&, const std::string&, const std::string&, const std::string&,
                                 RetryPolicy) override {
    return {};
  }
  CheckoutSession find_session(const std::string&) override { return {}; }
  std::string order_of_payment(const std::string&) override { return {}; }
};

/// The same for earning: what nobody asks in these tests.
struct NoConnect : ConnectGateway {
  static constexpr const char* nothing = "There is no payment provider.";
  bool configured() const override { return false; }
  ConnectedAccount create_account(const Id&, const std::string&, const std::string&) override { throw std::logic_error(nothing); }
  std::optional<ConnectedAccount> find_account(const std::string&) override { return std::nullopt; }
  std::string onboarding_url(const std::string&, const std::string&, const std::string&) override { throw std::logic_error(nothing); }
  std::string dashboard_url(const std::string&) override { throw std::logic_error(nothing); }
  CheckoutSession open_subscription(const FanSubscription&, const std::string&, const ReturnPages&, const std::string&,
                                    RetryPolicy) override {
    throw std::logic_error(nothing);
  }
  CheckoutSession open_tip(const FanPayment&, const std::string&, const ReturnPages&, const std::string&, RetryPolicy) override {
    throw std::logic_error(nothing);
  }
  std::optional<CheckoutSession> find_checkout(const std::string&) override { return std::nullopt; }
  void expire_checkout(const std::string&) override {}
  std::optional<StripeSubscription> find_subscription(const std::string&) override { return std::nullopt; }
  StripeSubscription set_cancels(const std::string&, bool) override { throw std::logic_error(nothing); }
  void end_subscription(const std::string&) override {}
  std::optional<StripeInvoice> find_invoice(const std::string&) override { return std::nullopt; }
  std::optional<StripeCharge> find_charge(const std::string&) override { return std::nullopt; }
  std::string charge_of_payment(const std::string&) override { return {}; }
  void refund(const FanPayment&) override {}
  void recover(const FanPayment&) override {}
  StripeTransfer send_transfer(const RoyaltyTransfer&) override { throw std::logic_error(nothing); }
  std::optional<StripeTransfer> find_transfer(const std::string&) override { return std::nullopt; }
  std::optional<StripePayout> find_payout(const std::string&, const std::string&) override { return std::nullopt; }
  std::vector<std::string> invoices_of(const std::string&) override { return {}; }
  EventPage events_after(const std::string&) override { return {}; }
};

/// A whole service in a temporary folder, without network: requests go straight to the router. Tests add the routes they need.
class Service {
 public:
  Service() : dir(std::filesystem::temp_directory_path() / fmt::format("webwrap-test-{}-{}", ::getpid(), new_id())) {
    std::filesystem::create_directories(dir);
    config.data_dir = dir.string();
    store = open_sqlite_store((dir / "webwrap.db").string());
    blobs = open_local_blob_store((dir / "blobs").string());
    context = std::make_unique<Context>(Context{config, *store, *blobs, mailer, *payments, clock, disk, *connect});
  }
  ~Service() { std::filesystem::remove_all(dir); }

  std::filesystem::path dir;
  Config config;
  SettableClock clock;
  CapturingMailer mailer;
  NoPayments no_payments;
  PaymentGateway* payments = &no_payments;
  NoConnect no_connect;
  ConnectGateway* connect = &no_connect;
  std::int64_t free_bytes = std::int64_t(1) << 40;
  Disk disk{dir.string(), 1 << 20, [this] { return free_bytes; }};
  std::unique_ptr<Store> store;
  std::unique_ptr<BlobStore> blobs;
  std::unique_ptr<Context> context;
  http::Router router;
};

/// A browser: keeps cookies and sends what browsers send.
class Browser {
 public:
  explicit Browser(Service& service) : service_(service) {}

  http::Response send(Method method, const std::string& target, const json& body = nullptr,
                      std::map<std::string, std::string> headers = {}) {
    return send_raw(method, target, body.is_null() ? "" : body.dump(), std::move(headers));
  }
  http::Response send_raw(Method method, const std::string& target, const std::string& body,
                          std::map<std::string, std::string> headers = {}) {
    http::Request request;
    request.method = method;
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) {
      std::string rest = target.substr(question + 1);
      for (std::size_t at = 0; at < rest.size();) {
        const std::size_t end = std::min(rest.find('&', at), rest.size()), equals = rest.find('=', at);
        request.query[rest.substr(at, equals - at)] = rest.substr(equals + 1, end - equals - 1);
        at = end + 1;
      }
    }
    request.headers = std::move(headers);
    request.headers.emplace("sec-fetch-site", "same-origin");
    request.headers.emplace("content-type", "application/json");
    request.cookies = cookies;
    request.body = body;
    request.client = client;
    http::Response response = service_.router.handle(request);
    for (const auto& [name, value] : response.headers)
      if (name == "Set-Cookie") {
        const std::size_t equals = value.find('='), end = value.find(';');
        cookies[value.substr(0, equals)] = value.substr(equals + 1, end - equals - 1);
      }
    return response;
  }

  std::map<std::string, std::string> cookies;
  std::string client = "192.0.2.1";

 private:
  Service& service_;
};

inline json body_of(const http::Response& response) { return json::parse(response.body); }

}  // namespace webwrap::testing
