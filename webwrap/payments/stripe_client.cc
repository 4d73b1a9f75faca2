#include "payments/stripe_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "domain/error.h"
#include "log/log.h"
#include "payments/stripe_json.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Fields = std::vector<std::pair<std::string, std::string>>;

/// Answers keep the shape that this was written against, whatever version the account has. The first with adaptive_pricing.
constexpr const char* api_version = "2024-11-20.acacia";
constexpr std::size_t max_answer = 1 << 20;

struct Limits {
  int tries;
  long try_ms;
};

Limits limits_of(RetryPolicy retry) { return retry == RetryPolicy::once ? Limits{1, 3000} : Limits{3, 10'000}; }

struct Answer {
  long status = 0;  ///< 0: none came
  std::string body;
  std::string should_retry;  ///< Stripe's own word: "true", "false" or nothing
};

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
  std::string& body = *static_cast<std::string*>(target);
  if (body.size() + size * count > max_answer) return 0;  // makes libcurl give up
  body.append(data, size * count);
  return size * count;
}

std::string escape(CURL* curl, const std::string& text) {
  const std::unique_ptr<char, decltype(&curl_free)> escaped(curl_easy_escape(curl, text.data(), static_cast<int>(text.size())), curl_free);
  if (!escaped) throw std::bad_alloc();
  return escaped.get();
}

bool is_passing(const Answer& answer) {
  if (answer.should_retry == "true") return true;
  if (answer.should_retry == "false") return false;
  return answer.status == 0 || answer.status == 409 || answer.status == 429 || answer.status >= 500;
}

/// Type, code and parameter of Stripe's error; its message may quote what was sent.
std::string reason_of(const Answer& answer) {
  const json body = json::parse(answer.body, nullptr, false);
  std::string reason;
  if (body.is_object() && body.contains("error") && body.at("error").is_object())
    for (const char* name : {"type", "code", "param"})
      if (const auto found = body.at("error").find(name); found != body.at("error").end() && found->is_string())
        reason += (reason.empty() ? "" : ", ") + found->get<std::string>();
  return reason;
}

[[noreturn]] void fail_for(const Answer& answer) {
  log(Level::error, "payment provider failed", {{"status", answer.status}, {"reason", reason_of(answer)}});
  if (answer.status == 0 || answer.status == 429 || answer.status >= 500)
    throw ServiceError(502, "payment_provider", "The payment provider does not answer now; nothing was charged, please try again later.");
  throw ServiceError(502, "payment_provider", "The payment provider refused the request; please tell the operator.");
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
  if (session.id.empty()) throw ServiceError(502, "payment_provider", "The payment provider's answer holds no checkout session.");
  return session;
}

class StripeGateway : public PaymentGateway {
 public:
  explicit StripeGateway(const Config& config) : config_(config) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) throw std::runtime_error("libcurl could not be started.");
  }
  ~StripeGateway() override { curl_global_cleanup(); }

  bool configured() const override { return !config_.stripe_secret_key.empty() && !config_.stripe_webhook_secrets.empty(); }

  CheckoutSession create_session(const Order& order, const std::string& title, const std::string& success_url,
                                 const std::string& cancel_url, const std::string& email, RetryPolicy retry) override {
    Fields fields = {{"mode", "payment"},
                     {"client_reference_id", order.account},
                     {"metadata[order_id]", order.id},
                     // also on the payment, and so on its charge: refunds and disputes find the order by it
                     {"payment_intent_data[metadata][order_id]", order.id},
                     {"line_items[0][quantity]", "1"},
                     {"line_items[0][price_data][currency]", order.currency},
                     {"line_items[0][price_data][unit_amount]", std::to_string(order.amount)},
                     {"line_items[0][price_data][product_data][name]", title},
                     // what is refunded or disputed must be in the currency of the price
                     {"adaptive_pricing[enabled]", "false"},
                     {"success_url", success_url},
                     {"cancel_url", cancel_url}};
    if (!email.empty()) fields.emplace_back("customer_email", email);
    const std::optional<json> object = call(retry, "/v1/checkout/sessions", &fields, order.idempotency_key);
    return session_of(object.value_or(json::object()));
  }

  CheckoutSession find_session(const std::string& id) override {
    const std::optional<json> object = call(RetryPolicy::once, "/v1/checkout/sessions/", nullptr, {}, id);
    if (!object) throw ServiceError(502, "payment_provider", fmt::format("The payment provider knows no checkout session {}.", id));
    return session_of(*object);
  }

  std::string order_of_payment(const std::string& payment_intent) override {
    const std::optional<json> object = call(RetryPolicy::standard, "/v1/payment_intents/", nullptr, {}, payment_intent);
    return object ? order_of(*object) : std::string();
  }

 private:
  /// POST of `fields`, or GET where there are none. Nothing: 404. `id` is added to the path, escaped.
  std::optional<json> call(RetryPolicy retry, const std::string& path, const Fields* fields, const std::string& idempotency_key,
                           const std::string& id = {}) const {
    const Limits limits = limits_of(retry);
    Answer answer;
    for (int tried = 0; tried < limits.tries; ++tried) {
      if (tried > 0) {
        const int wait_ms = tried == 1 ? 300 : 900;
        std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms + randombytes_uniform(wait_ms / 3)));
      }
      answer = send(limits.try_ms, path, fields, idempotency_key, id);
      if (!is_passing(answer)) break;
    }
    if (answer.status == 404 && !fields) return std::nullopt;
    if (answer.status < 200 || answer.status > 299) fail_for(answer);
    json body = json::parse(answer.body, nullptr, false);
    if (!body.is_object()) throw ServiceError(502, "payment_provider", "The payment provider's answer is not JSON.");
    return body;
  }

  Answer send(long try_ms, const std::string& path, const Fields* fields, const std::string& idempotency_key, const std::string& id) const {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), curl_easy_cleanup);
    if (!handle) throw std::runtime_error("libcurl gives no handle.");
    CURL* curl = handle.get();
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
    const auto add_header = [&](const std::string& line) {
      curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
      if (!longer) throw std::bad_alloc();
      headers.release();
      headers.reset(longer);
    };
    add_header("Authorization: Bearer " + config_.stripe_secret_key);
    add_header(std::string("Stripe-Version: ") + api_version);
    if (!idempotency_key.empty()) add_header("Idempotency-Key: " + idempotency_key);
    std::string form;
    if (fields) {
      for (const auto& [name, value] : *fields)
        form += fmt::format("{}{}={}", form.empty() ? "" : "&", escape(curl, name), escape(curl, value));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(form.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form.c_str());
    }
    Answer answer;
    const std::string url = config_.stripe_api_base + path + (id.empty() ? "" : escape(curl, id));
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "voxconv-webwrap");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, try_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    if (curl_easy_perform(curl) != CURLE_OK) return {};
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_header* header = nullptr;
    if (curl_easy_header(curl, "Stripe-Should-Retry", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) answer.should_retry = header->value;
    return answer;
  }

  const Config& config_;
};

}  // namespace

std::unique_ptr<PaymentGateway> make_stripe_gateway(const Config& config) { return std::make_unique<StripeGateway>(config); }

}  // namespace webwrap
