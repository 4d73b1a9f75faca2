#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <mutex>

#include "domain/error.h"
#include "payments/payment_gateway.h"

namespace webwrap::testing {

/// A payment provider within the process: one session per idempotency key.
struct FakeGateway : PaymentGateway {
  bool configured() const override { return true; }

  CheckoutSession create_session(const Order& order, const std::string& title, const std::string& success_url,
                                 const std::string& cancel_url, const std::string& email, RetryPolicy retry) override {
    const std::lock_guard lock(mutex);
    ++calls;
    if (on_create) on_create(order);
    if (down) throw ServiceError(502, "payment_provider", "down");
    last = {title, success_url, cancel_url, email, retry};
    std::string& id = by_key[order.idempotency_key];
    if (id.empty()) {
      id = fmt::format("cs_{}", by_key.size());
      sessions[id] = {id, "https://pay.example/" + id, "", "open", "unpaid", order.id, order.amount, 0, order.currency};
    }
    return sessions.at(id);
  }
  CheckoutSession find_session(const std::string& id) override {
    if (on_find) on_find();
    const std::lock_guard lock(mutex);
    ++calls;
    if (down) throw ServiceError(502, "payment_provider", "down");
    return sessions.at(id);
  }
  std::string order_of_payment(const std::string& payment_intent) override {
    const std::lock_guard lock(mutex);
    ++calls;
    if (down) throw ServiceError(502, "payment_provider", "down");
    const auto found = payments.find(payment_intent);
    return found == payments.end() ? "" : found->second;
  }

  struct Asked {
    std::string title, success_url, cancel_url, email;
    RetryPolicy retry = RetryPolicy::standard;
  };
  std::mutex mutex;
  std::map<std::string, std::string> by_key;        ///< session by idempotency key
  std::map<std::string, CheckoutSession> sessions;  ///< by id
  std::map<std::string, std::string> payments;      ///< order by payment intent
  std::function<void(const Order&)> on_create;
  std::function<void()> on_find;  ///< called by many at a time
  Asked last;
  bool down = false;
  int calls = 0;
};

}  // namespace webwrap::testing
