#include "payments/stripe_api.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "log/log.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// Answers keep the shape that this was written against, whatever version the account has. The first with adaptive_pricing.
constexpr const char* api_version = "2024-11-20.acacia";
constexpr std::size_t max_answer = 1 << 20;

struct Limits {
  int tries;
  long try_ms;
};

Limits limits_of(RetryPolicy retry) { return retry == RetryPolicy::once ? Limits{1, 3000} : Limits{3, 10'000}; }

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
  std::string& body = *static_cast<std::string*>(target);
  if (body.size() + size * count > max_answer) return 0;  // makes libcurl give up
  body.append(data, size * count);
  return size * count;
}

std::string escape(const std::string& text) {
  const std::unique_ptr<char, decltype(&curl_free)> escaped(curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())),
                                                            curl_free);
  if (!escaped) throw std::bad_alloc();
  return escaped.get();
}

std::string form_of(const StripeApi::Fields& fields) {
  std::string form;
  for (const auto& [name, value] : fields) form += fmt::format("{}{}={}", form.empty() ? "" : "&", escape(name), escape(value));
  return form;
}

}  // namespace

struct StripeApi::Call {
  Method method = Method::get;
  std::string path, form, idempotency_key, account;
};

struct StripeApi::Answer {
  long status = 0;  ///< 0: none came
  std::string body;
  std::string should_retry;  ///< Stripe's own word: "true", "false" or nothing

  bool is_passing() const {
    if (should_retry == "true") return true;
    if (should_retry == "false") return false;
    return status == 0 || status == 409 || status == 429 || status >= 500;
  }

  /// Of Stripe's error; its message may quote what was sent.
  std::string word(const char* name) const {
    const json parsed = json::parse(body, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("error") || !parsed.at("error").is_object()) return {};
    const auto found = parsed.at("error").find(name);
    return found != parsed.at("error").end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  [[noreturn]] void fail() const {
    std::string reason;
    for (const char* name : {"type", "code", "param"})
      if (const std::string said = word(name); !said.empty()) reason += (reason.empty() ? "" : ", ") + said;
    log(Level::error, "payment provider failed", {{"status", status}, {"reason", reason}});
    if (status == 0 || status == 409 || status == 429 || status >= 500)
      throw ServiceError(502, "payment_provider", "The payment provider does not answer now; nothing was charged, please try again later.");
    throw StripeRefusal(word("code").empty() ? word("type") : word("code"));
  }
};

StripeApi::StripeApi(const Config& config) : config_(config) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) throw std::runtime_error("libcurl could not be started.");
}

StripeApi::~StripeApi() { curl_global_cleanup(); }

std::string StripeApi::part(const std::string& id) { return escape(id); }

std::optional<json> StripeApi::get(RetryPolicy retry, const std::string& path, const std::string& account) const {
  return call(retry, {Method::get, path, {}, {}, account});
}

json StripeApi::post(RetryPolicy retry, const std::string& path, const Fields& fields, const std::string& idempotency_key) const {
  return call(retry, {Method::post, path, form_of(fields), idempotency_key, {}}).value_or(json::object());
}

std::optional<json> StripeApi::del(RetryPolicy retry, const std::string& path) const {
  return call(retry, {Method::del, path, {}, {}, {}});
}

std::optional<json> StripeApi::call(RetryPolicy retry, const Call& call) const {
  const Limits limits = limits_of(retry);
  Answer answer;
  for (int tried = 0; tried < limits.tries; ++tried) {
    if (tried > 0) {
      const int wait_ms = tried == 1 ? 300 : 900;
      std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms + randombytes_uniform(wait_ms / 3)));
    }
    answer = send(limits.try_ms, call);
    if (!answer.is_passing()) break;
  }
  if (answer.status == 404 && call.method != Method::post) return std::nullopt;
  if (answer.status < 200 || answer.status > 299) answer.fail();
  json body = json::parse(answer.body, nullptr, false);
  if (!body.is_object()) throw ServiceError(502, "payment_provider", "The payment provider's answer is not JSON.");
  return body;
}

StripeApi::Answer StripeApi::send(long try_ms, const Call& call) const {
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
  if (!call.idempotency_key.empty()) add_header("Idempotency-Key: " + call.idempotency_key);
  if (!call.account.empty()) add_header("Stripe-Account: " + StripeApi::part(call.account));
  if (call.method == Method::post) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.form.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.form.c_str());
  } else if (call.method == Method::del) {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
  }
  Answer answer;
  const std::string url = config_.stripe_api_base + call.path;
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

}  // namespace webwrap
