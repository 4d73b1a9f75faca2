#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "store/records.h"

namespace webwrap {

/// A Checkout Session as the provider tells it.
struct CheckoutSession {
  std::string id, url, payment_intent;
  std::string status;             ///< open, complete, expired
  std::string payment_status;     ///< paid, unpaid, no_payment_required
  std::string order;              ///< our order's id
  std::int64_t amount_total = 0;  ///< with taxes
  std::int64_t amount_tax = 0;    ///< of amount_total
  std::string currency;           ///< lower case
  std::string subscription = {};  ///< what a session for one made
};

/// standard: three tries, half a minute in all. once: a single try of 3 s, for calls that the client repeats anyway (polling).
enum class RetryPolicy { standard, once };

/// The payment provider. Thread-safe. Throws ServiceError(502, "payment_provider") where it cannot be reached or refuses.
class PaymentGateway {
 public:
  virtual ~PaymentGateway() = default;
  virtual bool configured() const = 0;  ///< without keys nothing can be bought
  /// Uses order.idempotency_key, so that trying again makes no second session.
  virtual CheckoutSession create_session(const Order& order, const std::string& title, const std::string& success_url,
                                         const std::string& cancel_url, const std::string& email, RetryPolicy retry) = 0;
  virtual CheckoutSession find_session(const std::string& id) = 0;  ///< RetryPolicy::once
  /// The order that a payment was made for; empty: not one of ours.
  virtual std::string order_of_payment(const std::string& payment_intent) = 0;
};

}  // namespace webwrap
