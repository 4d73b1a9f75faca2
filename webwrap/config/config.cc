#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "domain/sealed.h"

extern char** environ;

namespace webwrap {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& where, const std::string& what) { throw std::runtime_error(where + ": " + what); }

/// Calls use(name, member) for every setting: the one list of them.
template <class Use>
void for_each_setting(Config& c, Use use) {
  use("data_dir", c.data_dir);
  use("bind", c.bind);
  use("port", c.port);
  use("public_url", c.public_url);
  use("http_threads", c.http_threads);
  use("handler_threads", c.handler_threads);
  use("workers", c.workers);
  use("worker_threads", c.worker_threads);
  use("connections_per_address", c.connections_per_address);
  use("trust_proxy", c.trust_proxy);
  use("accel_prefix", c.accel_prefix);
  use("proxy_secret", c.proxy_secret);
  use("credits_per_minute", c.credits_per_minute);
  use("separation_credits_per_minute", c.separation_credits_per_minute);
  use("free_credits", c.free_credits);
  use("preview_s", c.preview_s);
  use("previews_per_day", c.previews_per_day);
  use("address_previews_per_day", c.address_previews_per_day);
  use("signups_per_day", c.signups_per_day);
  use("max_active_jobs", c.max_active_jobs);
  use("max_quick_jobs", c.max_quick_jobs);
  use("max_upload_bytes", c.max_upload_bytes);
  use("guest_upload_bytes", c.guest_upload_bytes);
  use("quota_bytes", c.quota_bytes);
  use("guest_quota_bytes", c.guest_quota_bytes);
  use("disk_reserve_bytes", c.disk_reserve_bytes);
  use("max_duration_s", c.max_duration_s);
  use("upload_expires_s", c.upload_expires_s);
  use("job_time_s", c.job_time_s);
  use("job_time_factor", c.job_time_factor);
  use("lease_s", c.lease_s);
  use("max_attempts", c.max_attempts);
  use("max_own_voices", c.max_own_voices);
  use("own_voice_s", c.own_voice_s);
  use("training_credits", c.training_credits);
  use("training_minutes", c.training_minutes);
  use("training_steps", c.training_steps);
  use("trainings_per_day", c.trainings_per_day);
  use("voice_royalty_permille", c.voice_royalty_permille);
  use("consent_valid_s", c.consent_valid_s);
  use("consent_without_recogniser", c.consent_without_recogniser);
  use("consent_similarity", c.consent_similarity);
  use("consent_least_similarity", c.consent_least_similarity);
  use("currency", c.currency);
  use("packs", c.packs);
  use("stripe_secret_key", c.stripe_secret_key);
  use("stripe_api_base", c.stripe_api_base);
  use("stripe_webhook_secrets", c.stripe_webhook_secrets);
  use("stripe_tolerance_s", c.stripe_tolerance_s);
  use("artist_fee_permille", c.artist_fee_permille);
  use("fan_amount_min", c.fan_amount_min);
  use("fan_amount_max", c.fan_amount_max);
  use("royalty_permille", c.royalty_permille);
  use("royalty_threshold", c.royalty_threshold);
  use("royalty_hold_s", c.royalty_hold_s);
  use("earnings_every_s", c.earnings_every_s);
  use("smtp_url", c.smtp_url);
  use("smtp_user", c.smtp_user);
  use("smtp_password", c.smtp_password);
  use("mail_from", c.mail_from);
  use("announce_delay_s", c.announce_delay_s);
  use("contact", c.contact);
  use("ddex_party_id", c.ddex_party_id);
  use("ddex_party_name", c.ddex_party_name);
  use("ddex_schema", c.ddex_schema);
  use("token_keys", c.token_keys);
  use("publication_search_s", c.publication_search_s);
  use("soundcloud_client_id", c.soundcloud_client_id);
  use("soundcloud_client_secret", c.soundcloud_client_secret);
  use("soundcloud_api_base", c.soundcloud_api_base);
  use("soundcloud_auth_base", c.soundcloud_auth_base);
  use("youtube_client_id", c.youtube_client_id);
  use("youtube_client_secret", c.youtube_client_secret);
  use("youtube_api_base", c.youtube_api_base);
  use("youtube_auth_base", c.youtube_auth_base);
  use("youtube_token_base", c.youtube_token_base);
  use("audius_api_key", c.audius_api_key);
  use("audius_api_base", c.audius_api_base);
  use("audius_storage_base", c.audius_storage_base);
}

// assign(): a setting from JSON. `where` names the file or variable and the setting.

void assign(const std::string& where, const json& value, std::string& setting) {
  if (!value.is_string()) refuse(where, "expected text.");
  setting = value.get<std::string>();
}

void assign(const std::string& where, const json& value, bool& setting) {
  if (!value.is_boolean()) refuse(where, "expected true or false.");
  setting = value.get<bool>();
}

void assign(const std::string& where, const json& value, double& setting) {
  if (!value.is_number()) refuse(where, "expected a number.");
  setting = value.get<double>();
}

void assign(const std::string& where, const json& value, std::int64_t& setting) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    refuse(where, "expected a whole number.");
  setting = value.get<std::int64_t>();
}

void assign(const std::string& where, const json& value, int& setting) {
  std::int64_t wide = 0;
  assign(where, value, wide);
  if (wide < INT32_MIN || wide > INT32_MAX) refuse(where, fmt::format("{} is too large.", wide));
  setting = static_cast<int>(wide);
}

void assign(const std::string& where, const json& value, std::vector<std::string>& setting) {
  if (!value.is_array()) refuse(where, "expected a list of texts.");
  setting.clear();
  for (const json& item : value) assign(where, item, setting.emplace_back());
}

void assign(const std::string& where, const json& value, std::vector<Pack>& setting) {
  if (!value.is_array())
    refuse(where, R"(expected a list of packs: [{"id": "small", "title": "30 credits", "credits": 30, "amount": 499}].)");
  setting.clear();
  for (const json& item : value) {
    if (!item.is_object()) refuse(where, "each pack must be an object.");
    Pack& pack = setting.emplace_back();
    for (const auto& [key, part] : item.items()) {
      const std::string what = where + "." + key;
      if (key == "id") {
        assign(what, part, pack.id);
      } else if (key == "title") {
        assign(what, part, pack.title);
      } else if (key == "credits") {
        assign(what, part, pack.credits);
      } else if (key == "amount") {
        assign(what, part, pack.amount);
      } else {
        refuse(what, "there is no such setting; a pack has id, title, credits and amount.");
      }
    }
    if (pack.id.empty() || pack.title.empty() || pack.credits < 1 || pack.amount < 1)
      refuse(where, "a pack needs an id, a title, and credits and an amount above 0.");
  }
}

json parse_variable(const std::string& where, const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) refuse(where, fmt::format("'{}' cannot be understood; expected JSON: a number, true, false or a list.", text));
  return value;
}

/// The text of a variable as the JSON that assign() takes for such a setting.
template <class Setting>
json from_environment(const std::string& where, const std::string& text, const Setting&) {
  return parse_variable(where, text);
}

json from_environment(const std::string&, const std::string& text, const std::string&) { return text; }

json from_environment(const std::string& where, const std::string& text, const std::vector<std::string>&) {
  if (text.starts_with('[')) return parse_variable(where, text);
  json list = json::array();  // WEBWRAP_STRIPE_WEBHOOK_SECRETS=whsec_new,whsec_old
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    list.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

std::string variable_of(const std::string& setting) {
  std::string name = "WEBWRAP_";
  for (const char c : setting) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void read_file(const std::string& path, Config& config) {
  std::ifstream stream(path);
  if (!stream) refuse(path, "the configuration cannot be opened.");
  json file;
  try {
    file = json::parse(stream, nullptr, true, true);  // comments are welcome
  } catch (const json::exception& error) {
    refuse(path, fmt::format("this is no JSON: {}.", error.what()));
  }
  if (!file.is_object()) refuse(path, "the configuration must be a JSON object.");
  for (const auto& given : file.items()) {
    bool known = false;
    for_each_setting(config, [&](const std::string& name, auto& setting) {
      if (name != given.key()) return;
      assign(path + ": " + name, given.value(), setting);
      known = true;
    });
    if (!known) refuse(path, fmt::format("there is no setting '{}'; docs/operations.md lists them.", given.key()));
  }
}

void read_environment(Config& config) {
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!text.starts_with("WEBWRAP_")) continue;
    const std::size_t equals = text.find('=');
    const std::string variable = text.substr(0, equals);
    bool known = false;
    for_each_setting(config, [&](const std::string& name, auto& setting) {
      if (variable != variable_of(name)) return;
      assign(variable, from_environment(variable, text.substr(equals + 1), setting), setting);
      known = true;
    });
    if (!known) refuse(variable, "there is no such setting; docs/operations.md lists them.");
  }
}

void check(const Config& c) {
  const auto at_least = [](const char* name, double value, double least) {
    if (!(value >= least) || !std::isfinite(value)) refuse(name, fmt::format("{} is too small; expected at least {}.", value, least));
  };
  at_least("http_threads", c.http_threads, 1);
  at_least("handler_threads", c.handler_threads, 1);
  at_least("workers", c.workers, 0);
  at_least("worker_threads", c.worker_threads, 1);
  at_least("connections_per_address", c.connections_per_address, 1);
  at_least("credits_per_minute", static_cast<double>(c.credits_per_minute), 0);
  at_least("separation_credits_per_minute", static_cast<double>(c.separation_credits_per_minute), 0);
  at_least("free_credits", static_cast<double>(c.free_credits), 0);
  at_least("preview_s", c.preview_s, 1);
  at_least("max_active_jobs", c.max_active_jobs, 1);
  at_least("max_quick_jobs", c.max_quick_jobs, 1);
  at_least("max_upload_bytes", static_cast<double>(c.max_upload_bytes), 1);
  at_least("guest_upload_bytes", static_cast<double>(c.guest_upload_bytes), 1);
  at_least("disk_reserve_bytes", static_cast<double>(c.disk_reserve_bytes), 0);
  at_least("max_duration_s", c.max_duration_s, 1);
  at_least("upload_expires_s", static_cast<double>(c.upload_expires_s), 60);
  at_least("job_time_s", c.job_time_s, 1);
  at_least("job_time_factor", c.job_time_factor, 0);
  at_least("lease_s", static_cast<double>(c.lease_s), 10);
  at_least("max_attempts", c.max_attempts, 1);
  at_least("announce_delay_s", static_cast<double>(c.announce_delay_s), 0);
  at_least("max_own_voices", c.max_own_voices, 0);
  at_least("own_voice_s", c.own_voice_s, 5);
  at_least("training_credits", static_cast<double>(c.training_credits), 0);
  at_least("training_minutes", c.training_minutes, 0.1);
  at_least("training_steps", static_cast<double>(c.training_steps), 0);
  at_least("trainings_per_day", c.trainings_per_day, 1);
  at_least("consent_valid_s", static_cast<double>(c.consent_valid_s), 60);
  at_least("consent_least_similarity", c.consent_least_similarity, 0);
  at_least("consent_similarity", c.consent_similarity, c.consent_least_similarity);
  if (c.consent_similarity > 1) refuse("consent_similarity", fmt::format("{} is too large; expected at most 1.", c.consent_similarity));
  if (c.voice_royalty_permille < 0 || c.voice_royalty_permille > 1000)
    refuse("voice_royalty_permille", fmt::format("{} is no share; expected 0 to 1000.", c.voice_royalty_permille));
  if (c.consent_without_recogniser != "review" && c.consent_without_recogniser != "refuse")
    refuse("consent_without_recogniser", fmt::format("'{}' is not known; expected review or refuse.", c.consent_without_recogniser));
  at_least("stripe_tolerance_s", static_cast<double>(c.stripe_tolerance_s), 1);
  at_least("fan_amount_min", static_cast<double>(c.fan_amount_min), 1);
  at_least("fan_amount_max", static_cast<double>(c.fan_amount_max), static_cast<double>(c.fan_amount_min));
  at_least("royalty_threshold", static_cast<double>(c.royalty_threshold), 1);
  at_least("royalty_hold_s", static_cast<double>(c.royalty_hold_s), 0);
  at_least("publication_search_s", c.publication_search_s, 0);
  at_least("earnings_every_s", c.earnings_every_s, 0.1);
  for (const auto& [name, permille] : {std::pair("artist_fee_permille", c.artist_fee_permille), {"royalty_permille", c.royalty_permille}})
    if (permille < 0 || permille > 1000) refuse(name, fmt::format("{} is no share; expected 0 to 1000.", permille));
  if (c.port < 0 || c.port > 65535) refuse("port", fmt::format("{} is no port; expected 0 to 65535 (0: a free one).", c.port));
  if (c.data_dir.empty()) refuse("data_dir", "it must not be empty.");
  if (!c.public_url.empty() && !c.public_url.starts_with("http://") && !c.public_url.starts_with("https://"))
    refuse("public_url", fmt::format("'{}' does not start with http:// or https://.", c.public_url));
  const std::string url = c.base_url();
  const std::size_t host = std::min(url.find("//"), url.size() - 2) + 2;
  if (host == url.size() || !url.starts_with("http")) refuse("public_url", fmt::format("'{}' names no host.", c.public_url));
  if (url.find_first_of("/?#", host) != std::string::npos)
    refuse("public_url", fmt::format("'{}' has a path, below which the service cannot be: give it a host name of its own.", c.public_url));
  for (const std::string& key : c.token_keys)
    if (!is_seal_key(key)) refuse("token_keys", "a key is 32 bytes in base64; make one by: openssl rand -base64 32");
  if (c.token_keys.empty() && !(c.soundcloud_client_id + c.youtube_client_id + c.audius_api_key).empty())
    refuse("token_keys", "other platforms need a key to seal members' tokens with; make one by: openssl rand -base64 32");
  if (!c.ddex_party_id.empty() && (!c.ddex_party_id.starts_with("PADPIDA") || c.ddex_party_id.size() < 8))
    refuse("ddex_party_id", fmt::format("'{}' is no DDEX party id, as PADPIDA2007050901U.", c.ddex_party_id));
  if (!c.accel_prefix.empty() && (!c.accel_prefix.starts_with('/') || !c.accel_prefix.ends_with('/')))
    refuse("accel_prefix", fmt::format("'{}' must start and end with a slash, as nginx' location does.", c.accel_prefix));
}

}  // namespace

std::string Config::base_url() const {
  std::string url =
      public_url.empty() ? fmt::format("http://{}:{}", bind.find(':') == std::string::npos ? bind : "[" + bind + "]", port) : public_url;
  while (url.ends_with('/')) url.pop_back();
  // As browsers write an origin: "http://sing.lan:80" is "http://sing.lan" there.
  for (const std::string_view port : {url.starts_with("http://") ? ":80" : ":443"})
    if (url.ends_with(port)) url.resize(url.size() - port.size());
  return url;
}

Mills Config::credit_price() const {
  Mills price = 0;
  for (const Pack& pack : packs) {
    const Mills of_pack = share_of(pack.amount, mills_per_unit, pack.credits);
    price = price == 0 ? of_pack : std::min(price, of_pack);
  }
  return price;
}

Config load_config(const std::string& path) {
  Config config;
  if (!path.empty()) read_file(path, config);
  read_environment(config);
  check(config);
  return config;
}

}  // namespace webwrap
