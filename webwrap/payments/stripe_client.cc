#include "payments/stripe_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "domain/error.h"
#include "payments/stripe_api.h"
#include "payments/stripe_json.h"

namespace webwrap {
namespace {

using nlohmann::json;

class StripeGateway : public PaymentGateway {
 public:
  explicit StripeGateway(const Config& config) : config_(config), api_(config) {}

  bool configured() const override { return has_stripe_keys(config_); }

  CheckoutSession create_session(const Order& order, const std::string& title, const std::string& success_url,
                                 const std::string& cancel_url, const std::string& email, RetryPolicy retry) override {
    StripeApi::Fields fields = checkout_fields("payment", title, order.currency, order.amount, success_url, cancel_url, email);
    fields.insert(fields.end(), {{"client_reference_id", order.account},
                                 {"metadata[order_id]", order.id},
                                 // also on the payment, and so on its charge: refunds and disputes find the order by it
                                 {"payment_intent_data[metadata][order_id]", order.id}});
    return session_of(api_.post(retry, "/v1/checkout/sessions", fields, order.idempotency_key));
  }

  CheckoutSession find_session(const std::string& id) override {
    const std::optional<json> object = api_.get(RetryPolicy::once, "/v1/checkout/sessions/" + StripeApi::part(id));
    if (!object) throw ServiceError(502, "payment_provider", fmt::format("The payment provider knows no checkout session {}.", id));
    return session_of(*object);
  }

  std::string order_of_payment(const std::string& payment_intent) override {
    const std::optional<json> object = api_.get(RetryPolicy::standard, "/v1/payment_intents/" + StripeApi::part(payment_intent));
    return object ? order_of(*object) : std::string();
  }

 private:
  const Config& config_;
  const StripeApi api_;
};

}  // namespace

bool has_stripe_keys(const Config& config) { return !config.stripe_secret_key.empty() && !config.stripe_webhook_secrets.empty(); }

StripeApi::Fields checkout_fields(const std::string& mode, const std::string& title, const std::string& currency, Money amount,
                                  const std::string& success_url, const std::string& cancel_url, const std::string& email) {
  StripeApi::Fields fields = {{"mode", mode},
                              {"line_items[0][quantity]", "1"},
                              {"line_items[0][price_data][currency]", currency},
                              {"line_items[0][price_data][unit_amount]", std::to_string(amount)},
                              {"line_items[0][price_data][product_data][name]", title},
                              // what is refunded or disputed must be in the currency of the price
                              {"adaptive_pricing[enabled]", "false"},
                              {"success_url", success_url},
                              {"cancel_url", cancel_url}};
  if (!email.empty()) fields.emplace_back("customer_email", email);
  return fields;
}

CheckoutSession session_of(const json& object) {
  CheckoutSession session;
  session.id = text_of(object, "id");
  session.url = text_of(object, "url");
  session.payment_intent = text_of(object, "payment_intent");
  session.status = text_of(object, "status");
  session.payment_status = text_of(object, "payment_status");
  session.order = order_of(object);
  session.amount_total = amount_of(object, "amount_total");
  session.amount_tax = tax_of(object);
  session.currency = text_of(object, "currency");
  session.subscription = text_of(object, "subscription");
  if (session.id.empty()) throw ServiceError(502, "payment_provider", "The payment provider's answer holds no checkout session.");
  return session;
}

std::unique_ptr<PaymentGateway> make_stripe_gateway(const Config& config) { return std::make_unique<StripeGateway>(config); }

}  // namespace webwrap
