#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "payments/stripe_api.h"
#include "payments/stripe_client.h"
#include "payments/stripe_json.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Fields = StripeApi::Fields;

bool flag_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// What lies in `name`, if that is an object (an expanded reference, a part); else an empty one.
json part_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : json::object();
}

/// "10.5" for 105: Stripe takes percents with two decimals.
std::string percent(int permille) {
  return permille % 10 == 0 ? fmt::format("{}", permille / 10) : fmt::format("{}.{}", permille / 10, permille % 10);
}

ConnectedAccount account_of(const json& object) {
  ConnectedAccount account;
  account.id = text_of(object, "id");
  account.transfers = text_of(part_of(object, "capabilities"), "transfers") == "active";
  account.payouts = flag_of(object, "payouts_enabled");
  account.submitted = flag_of(object, "details_submitted");
  const json requirements = part_of(object, "requirements");
  account.missing = text_of(requirements, "disabled_reason");
  if (account.id.empty()) throw ServiceError(502, "payment_provider", "The payment provider's answer holds no account.");
  return account;
}

StripeSubscription subscription_of(const json& object) {
  return {.id = text_of(object, "id"),
          .subscription = metadata_of(object, "subscription_id"),
          .status = text_of(object, "status"),
          .latest_invoice = text_of(object, "latest_invoice"),
          .cancels = flag_of(object, "cancel_at_period_end"),
          .ended = amount_of(object, "ended_at")};
}

/// The time that an invoice's lines are for. (Its own period_start and period_end are those of the month before.)
std::pair<Seconds, Seconds> period_of(const json& invoice) {
  Seconds start = 0, end = 0;
  const json lines = part_of(invoice, "lines");
  if (const auto data = lines.find("data"); data != lines.end() && data->is_array())
    for (const json& line : *data) {
      const json period = part_of(line, "period");
      if (amount_of(period, "end") <= end) continue;
      start = amount_of(period, "start");
      end = amount_of(period, "end");
    }
  return {start, end};
}

StripeTransfer transfer_of(const json& object) {
  return {.id = text_of(object, "id"),
          .transfer = metadata_of(object, "transfer_id"),
          .charge = text_of(object, "source_transaction"),
          .currency = text_of(object, "currency"),
          .amount = amount_of(object, "amount"),
          .reversed = amount_of(object, "amount_reversed")};
}

class StripeConnect : public ConnectGateway {
 public:
  explicit StripeConnect(const Config& config) : config_(config), api_(config) {}

  bool configured() const override { return has_stripe_keys(config_); }

  ConnectedAccount create_account(const Id& account, const std::string& email, const std::string& instead_of) override {
    Fields fields = {{"type", "express"},
                     // Fans pay to us, so it needs to receive only.
                     {"capabilities[transfers][requested]", "true"},
                     {"metadata[account]", account}};
    if (!email.empty()) fields.emplace_back("email", email);
    const std::string key = "account-" + account + (instead_of.empty() ? "" : "-" + instead_of);
    return account_of(api_.post(RetryPolicy::standard, "/v1/accounts", fields, key));
  }

  std::optional<ConnectedAccount> find_account(const std::string& id) override {
    try {
      const auto object = api_.get(RetryPolicy::once, "/v1/accounts/" + StripeApi::part(id));
      if (!object)
        throw ServiceError(502, "payment_provider", "The payment provider does not know your account; please tell the operator.");
      return account_of(*object);
    } catch (const StripeRefusal& refusal) {  // so Stripe says (403) of one that was closed
      if (refusal.reason() != "account_invalid") throw;
      return std::nullopt;
    }
  }

  std::string onboarding_url(const std::string& id, const std::string& back_url, const std::string& again_url) override {
    return url_of(api_.post(RetryPolicy::standard, "/v1/account_links",
                            {{"account", id}, {"type", "account_onboarding"}, {"return_url", back_url}, {"refresh_url", again_url}}));
  }

  std::string dashboard_url(const std::string& id) override {
    return url_of(api_.post(RetryPolicy::standard, fmt::format("/v1/accounts/{}/login_links", StripeApi::part(id)), {}));
  }

  CheckoutSession open_subscription(const FanSubscription& subscription, const std::string& title, const ReturnPages& pages,
                                    const std::string& email, RetryPolicy retry) override {
    Fields fields = checkout_fields("subscription", title, subscription.currency, subscription.amount, pages.paid, pages.cancelled, email);
    fields.insert(fields.end(), {{"line_items[0][price_data][recurring][interval]", "month"},
                                 {"metadata[subscription_id]", subscription.id},
                                 {"subscription_data[metadata][subscription_id]", subscription.id},
                                 {"subscription_data[transfer_data][destination]", subscription.destination}});
    if (subscription.fee_permille > 0)
      fields.emplace_back("subscription_data[application_fee_percent]", percent(subscription.fee_permille));
    if (subscription.trial_days > 0) fields.emplace_back("subscription_data[trial_period_days]", std::to_string(subscription.trial_days));
    return session_of(api_.post(retry, "/v1/checkout/sessions", fields, subscription.idempotency_key));
  }

  CheckoutSession open_tip(const FanPayment& tip, const std::string& title, const ReturnPages& pages, const std::string& email,
                           RetryPolicy retry) override {
    Fields fields = checkout_fields("payment", title, tip.currency, tip.amount, pages.paid, pages.cancelled, email);
    fields.insert(fields.end(), {{"metadata[tip_id]", tip.id},
                                 // also on the payment, and so on its charge
                                 {"payment_intent_data[metadata][tip_id]", tip.id},
                                 {"payment_intent_data[transfer_data][destination]", tip.destination}});
    if (const Money fee = share_of(tip.amount, tip.fee_permille, 1000); fee > 0)
      fields.emplace_back("payment_intent_data[application_fee_amount]", std::to_string(fee));
    return session_of(api_.post(retry, "/v1/checkout/sessions", fields, tip.idempotency_key));
  }

  std::optional<CheckoutSession> find_checkout(const std::string& session) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/checkout/sessions/" + StripeApi::part(session));
    return object ? std::optional(session_of(*object)) : std::nullopt;
  }

  void expire_checkout(const std::string& session) override {
    try {
      api_.post(RetryPolicy::once, fmt::format("/v1/checkout/sessions/{}/expire", StripeApi::part(session)), {});
    } catch (const StripeRefusal&) {  // it is not open
    }
  }

  std::optional<StripeSubscription> find_subscription(const std::string& id) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/subscriptions/" + StripeApi::part(id));
    return object ? std::optional(subscription_of(*object)) : std::nullopt;
  }

  StripeSubscription set_cancels(const std::string& id, bool cancels) override {
    return subscription_of(api_.post(RetryPolicy::standard, "/v1/subscriptions/" + StripeApi::part(id),
                                     {{"cancel_at_period_end", cancels ? "true" : "false"}}));
  }

  void end_subscription(const std::string& id) override { api_.del(RetryPolicy::standard, "/v1/subscriptions/" + StripeApi::part(id)); }

  std::optional<StripeInvoice> find_invoice(const std::string& id) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/invoices/" + StripeApi::part(id));
    if (!object) return std::nullopt;
    StripeInvoice invoice;
    invoice.id = text_of(*object, "id");
    invoice.subscription = text_of(*object, "subscription");
    invoice.status = text_of(*object, "status");
    invoice.charge = text_of(*object, "charge");
    invoice.currency = text_of(*object, "currency");
    invoice.due = amount_of(*object, "amount_due");
    invoice.paid = amount_of(*object, "amount_paid");
    invoice.attempts = static_cast<int>(std::min<std::int64_t>(amount_of(*object, "attempt_count"), 1000));
    std::tie(invoice.period_start, invoice.period_end) = period_of(*object);
    return invoice;
  }

  std::optional<StripeCharge> find_charge(const std::string& id) override {
    const auto object =
        api_.get(RetryPolicy::once, fmt::format("/v1/charges/{}?expand[]=transfer&expand[]=application_fee", StripeApi::part(id)));
    if (!object) return std::nullopt;
    const json transfer = part_of(*object, "transfer"), fee = part_of(*object, "application_fee");
    StripeCharge charge;
    charge.id = text_of(*object, "id");
    charge.currency = text_of(*object, "currency");
    charge.invoice = text_of(*object, "invoice");
    charge.destination = text_of(part_of(*object, "transfer_data"), "destination");
    charge.transfer = text_of(*object, "transfer");
    charge.tip = metadata_of(*object, "tip_id");
    charge.order = order_of(*object);
    charge.paid = flag_of(*object, "paid");
    charge.amount = amount_of(*object, "amount");
    charge.fee = amount_of(*object, "application_fee_amount");
    charge.refunded = amount_of(*object, "amount_refunded");
    charge.reversed = amount_of(transfer, "amount_reversed");
    charge.fee_refunded = amount_of(fee, "amount_refunded");
    return charge;
  }

  std::string charge_of_payment(const std::string& payment_intent) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/payment_intents/" + StripeApi::part(payment_intent));
    return object ? text_of(*object, "latest_charge") : std::string();
  }

  void refund(const FanPayment& payment) override {
    refusable([&] {
      try {
        api_.post(RetryPolicy::standard, "/v1/refunds",
                  {{"charge", payment.charge},
                   {"reverse_transfer", "true"},
                   {"refund_application_fee", "true"},
                   {"reason", "requested_by_customer"}},
                  // What is left to give back is part of the key: after a refund by hand the rest is another one. Stripe repeats what it
                  // answered to a key, a refusal too.
                  fmt::format("refund-{}-{}-{}", payment.id, payment.refunded, payment.refusals));
      } catch (const StripeRefusal& refusal) {
        if (refusal.reason() != "charge_already_refunded") throw;
      }
    });
  }

  /// Stripe may forget a key after a day, so what was done is looked for by our own mark first.
  void recover(const FanPayment& payment) override {
    const std::string path = fmt::format("/v1/transfers/{}", StripeApi::part(payment.transfer));
    const auto transfer = api_.get(RetryPolicy::standard, path);
    const auto reversals = api_.get(RetryPolicy::standard, path + "/reversals?limit=100");
    if (!transfer || !reversals) throw ServiceError(409, "payment_refused", "The payment provider does not know this transfer.");
    Money done = 0;
    for (const json& reversal : reversals->value("data", json::array()))
      if (!metadata_of(reversal, "recovering").empty()) done += amount_of(reversal, "amount");
    const Money left = amount_of(*transfer, "amount") - amount_of(*transfer, "amount_reversed");
    const Money amount = std::min(left, payment.recovering - done);
    if (amount <= 0) return;
    const std::string sum = std::to_string(amount);
    refusable([&] {
      api_.post(RetryPolicy::standard, path + "/reversals",
                {{"amount", sum}, {"refund_application_fee", "true"}, {"metadata[recovering]", std::to_string(payment.recovering)}},
                fmt::format("recover-{}-{}-{}-{}", payment.id, payment.recovering, sum, payment.refusals));
    });
  }

  /// As recover(): a transfer that was made and not heard of is found by its group. One of another sum that was taken back whole is none.
  StripeTransfer send_transfer(const RoyaltyTransfer& transfer) override {
    const auto found = api_.get(RetryPolicy::standard, "/v1/transfers?limit=100&transfer_group=" + StripeApi::part(transfer.id));
    if (found)
      for (const json& one : found->value("data", json::array()))
        if (const StripeTransfer made = transfer_of(one); made.amount == transfer.amount || made.reversed < made.amount) return made;
    StripeTransfer sent;
    refusable([&] {
      sent = transfer_of(api_.post(RetryPolicy::standard, "/v1/transfers",
                                   {{"amount", std::to_string(transfer.amount)},
                                    {"currency", transfer.currency},
                                    {"destination", transfer.destination},
                                    {"transfer_group", transfer.id},
                                    {"metadata[transfer_id]", transfer.id}},
                                   fmt::format("transfer-{}-{}", transfer.id, transfer.refusals)));
    });
    return sent;
  }

  std::optional<StripeTransfer> find_transfer(const std::string& id) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/transfers/" + StripeApi::part(id));
    return object ? std::optional(transfer_of(*object)) : std::nullopt;
  }

  std::optional<StripePayout> find_payout(const std::string& account, const std::string& id) override {
    const auto object = api_.get(RetryPolicy::once, "/v1/payouts/" + StripeApi::part(id), account);
    if (!object) return std::nullopt;
    return payout_of(*object);
  }

  std::vector<std::string> invoices_of(const std::string& subscription) override {
    const auto list = api_.get(RetryPolicy::once, "/v1/invoices?limit=12&subscription=" + StripeApi::part(subscription));
    std::vector<std::string> ids;
    if (list)
      for (const json& invoice : list->value("data", json::array())) ids.push_back(text_of(invoice, "id"));
    return ids;
  }

  EventPage events_after(const std::string& event) override {
    try {
      if (!event.empty())
        if (const auto list = api_.get(RetryPolicy::once, "/v1/events?limit=25&ending_before=" + StripeApi::part(event)))
          return page_of(*list, flag_of(*list, "has_more"));
    } catch (const StripeRefusal&) {  // it keeps them for a month
    }
    return page_of(api_.get(RetryPolicy::once, "/v1/events?limit=1").value_or(json::object()), false);
  }

 private:
  /// Stripe lists the newest first.
  static EventPage page_of(const json& list, bool more) {
    EventPage page;
    page.more = more;
    for (const json& event : list.value("data", json::array())) page.events.insert(page.events.begin(), event);
    return page;
  }

  static std::string url_of(const json& object) {
    std::string url = text_of(object, "url");
    if (url.empty()) throw ServiceError(502, "payment_provider", "The payment provider's answer holds no address.");
    return url;
  }

  template <class Work>
  static void refusable(const Work& work) {
    try {
      work();
    } catch (const StripeRefusal& refusal) {
      throw ServiceError(409, "payment_refused", fmt::format("The payment provider refused this ({}).", refusal.reason()));
    }
  }

  const Config& config_;
  const StripeApi api_;
};

}  // namespace

std::unique_ptr<ConnectGateway> make_stripe_connect(const Config& config) { return std::make_unique<StripeConnect>(config); }

}  // namespace webwrap
