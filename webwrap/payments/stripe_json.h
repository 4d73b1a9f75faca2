#pragma once
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

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

}  // namespace webwrap
