#pragma once
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "payments/connect_gateway.h"

namespace webwrap {

/// What Stripe's objects say, whether they come as answers or in events; what is not there is empty or 0.

inline std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_object()) return text_of(*found, "id");  // a reference that was sent expanded
  return found->is_string() ? found->get<std::string>() : std::string();
}

inline std::int64_t amount_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? std::max<std::int64_t>(found->get<std::int64_t>(), 0) : 0;
}

/// A payout's: it may be taken from a bank, too.
inline std::int64_t signed_amount_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

inline StripePayout payout_of(const nlohmann::json& payout) {
  return {.id = text_of(payout, "id"),
          .currency = text_of(payout, "currency"),
          .status = text_of(payout, "status"),
          .amount = signed_amount_of(payout, "amount"),
          .arrival = amount_of(payout, "arrival_date")};
}

/// Of a checkout session.
inline std::int64_t tax_of(const nlohmann::json& session) {
  const auto details = session.find("total_details");
  return details != session.end() && details->is_object() ? amount_of(*details, "amount_tax") : 0;
}

/// Of the metadata that was given to an object.
inline std::string metadata_of(const nlohmann::json& object, const char* name) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() && metadata->is_object() ? text_of(*metadata, name) : std::string();
}

/// The order is named by metadata only: client_reference_id can be set by anyone in the address of a payment link.
inline std::string order_of(const nlohmann::json& object) { return metadata_of(object, "order_id"); }

/// Whether an event is one that counts: not of a trial where real money moves (Stripe sends those of connected accounts to live addresses,
/// too), and of a connected account only what is known to come from there, since its owner can make others there, with any metadata.
inline bool is_event_that_counts(const nlohmann::json& event, const std::string& secret_key) {
  const std::string type = text_of(event, "type");
  const bool live = secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_");
  if (live && event.value("livemode", nlohmann::json(true)) == false) return false;
  return text_of(event, "account").empty() || type == "account.updated" || type.starts_with("payout.");
}

}  // namespace webwrap
