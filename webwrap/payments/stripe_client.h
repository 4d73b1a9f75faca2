#pragma once
#include <memory>

#include "config/config.h"
#include "payments/payment_gateway.h"

namespace webwrap {

/// Stripe over HTTPS (config.stripe_api_base: or a stand-in for it). Configured when there are both a secret key and a webhook secret:
/// without webhooks, refunds and late payments would be missed. What fails for a passing reason (network, 409, 429, 5xx) is tried three
/// times in all, with waits of about 0.3 and 0.9 s, under the same Idempotency-Key; one try takes 10 s at most, a brief call 3 s. Failures
/// are logged; neither the key nor Stripe's own messages, which may quote parts of it, get into the log or into errors. Keeps a reference
/// to config.
std::unique_ptr<PaymentGateway> make_stripe_gateway(const Config& config);

}  // namespace webwrap
