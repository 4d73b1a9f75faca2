#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "domain/error.h"
#include "payments/payment_gateway.h"

namespace webwrap {

/// Stripe said no: trying the same again changes nothing.
class StripeRefusal : public ServiceError {
 public:
  /// `reason`: Stripe's code for it ("balance_insufficient"), or the type of the error.
  explicit StripeRefusal(std::string reason)
      : ServiceError(502, "payment_provider", "The payment provider refused the request; please tell the operator."),
        reason_(std::move(reason)) {}
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// Calls of Stripe's API over HTTPS (config.stripe_api_base: or a stand-in for it). What fails for a passing reason (network, 409, 429,
/// 5xx) is tried as often as the policy says, under the same Idempotency-Key. Failures are logged; neither the key nor Stripe's own
/// messages, which may quote parts of it, get into the log or into errors. Thread-safe; keeps a reference to config.
class StripeApi {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit StripeApi(const Config& config);
  ~StripeApi();
  StripeApi(const StripeApi&) = delete;
  StripeApi& operator=(const StripeApi&) = delete;

  /// A part of a path, escaped: ids come from outside.
  static std::string part(const std::string& id);

  /// `account`: acct_..., on whose behalf; empty: our own. Nothing: there is none (404).
  std::optional<nlohmann::json> get(RetryPolicy, const std::string& path, const std::string& account = {}) const;
  /// Throws StripeRefusal, or ServiceError(502, "payment_provider") where Stripe does not answer.
  nlohmann::json post(RetryPolicy, const std::string& path, const Fields& fields, const std::string& idempotency_key = {}) const;
  std::optional<nlohmann::json> del(RetryPolicy, const std::string& path) const;

 private:
  enum class Method { get, post, del };
  struct Call;
  struct Answer;
  std::optional<nlohmann::json> call(RetryPolicy, const Call&) const;
  Answer send(long try_ms, const Call&) const;

  const Config& config_;
};

}  // namespace webwrap
