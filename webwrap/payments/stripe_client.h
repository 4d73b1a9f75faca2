#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "config/config.h"
#include "payments/connect_gateway.h"
#include "payments/payment_gateway.h"
#include "payments/stripe_api.h"

namespace webwrap {

/// Stripe by StripeApi. Configured when there are both a secret key and a webhook secret: without webhooks, refunds and late payments would
/// be missed. What fails for a passing reason is tried three times in all, with waits of about 0.3 and 0.9 s; one try takes 10 s at most, a
/// brief call 3 s. Both keep a reference to config.
std::unique_ptr<PaymentGateway> make_stripe_gateway(const Config& config);
std::unique_ptr<ConnectGateway> make_stripe_connect(const Config& config);

// What both are made of.
bool has_stripe_keys(const Config& config);
/// One thing at a price, on Stripe's page; an empty e-mail address: the page asks for it.
StripeApi::Fields checkout_fields(const std::string& mode, const std::string& title, const std::string& currency, Money amount,
                                  const std::string& success_url, const std::string& cancel_url, const std::string& email);
/// Of Stripe's object; ServiceError(502) where it is none.
CheckoutSession session_of(const nlohmann::json& object);

}  // namespace webwrap
