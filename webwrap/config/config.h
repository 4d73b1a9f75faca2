#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "domain/money.h"

namespace webwrap {

/// A pack of credits for sale.
struct Pack {
  std::string id, title;
  Credits credits = 0;
  std::int64_t amount = 0;  ///< smallest unit of the currency
};

/// All settings: defaults, overridden by the JSON file (same names, unknown ones refused), overridden by WEBWRAP_<NAME> in the environment,
/// overridden by flags. docs/operations.md lists them.
struct Config {
  std::string data_dir = "webwrap-data";
  std::string bind = "127.0.0.1";
  int port = 8080;
  std::string public_url;  ///< how users reach the service; empty: http://bind:port
  int http_threads = 4;    ///< I/O threads
  int handler_threads = 8;
  int workers = 1;                    ///< worker processes that `serve` starts; 0: they are run by someone else
  int worker_threads = 1;             ///< CPU threads of one worker
  int connections_per_address = 200;  ///< at a time, without a proxy
  bool trust_proxy = false;           ///< take the client's address from X-Forwarded-For
  std::string accel_prefix;           ///< nginx' internal location ("/_files/"); empty: files are sent by this process
  std::string proxy_secret;           ///< what nginx sends in X-Proxy-Secret; needed for the upload offload

  Credits credits_per_minute = 1;
  Credits separation_credits_per_minute = 1;  ///< added where a song must be taken apart into vocals and music first
  Credits free_credits = 5;
  double preview_s = 20;              ///< length of a guest's free preview
  int previews_per_day = 3;           ///< of one account, guests' included
  int address_previews_per_day = 20;  ///< of one address: people may share it, but guests are made for nothing
  int signups_per_day = 5;            ///< per address
  int max_active_jobs = 3;            ///< queued and running conversions of one account
  int max_quick_jobs = 10;  ///< queued and running ones of one account that cost nothing: analyses, downloads, pictures, videos ...
  std::int64_t max_upload_bytes = 200 << 20;
  std::int64_t guest_upload_bytes = 30 << 20;
  std::int64_t quota_bytes = std::int64_t(2) << 30;  ///< of one member
  std::int64_t guest_quota_bytes = 100 << 20;
  std::int64_t disk_reserve_bytes = 256 << 20;  ///< what stays free of data_dir's disk; 0: nothing
  double max_duration_s = 1200;
  Seconds upload_expires_s = 24 * 3600;
  double job_time_s = 120;     ///< the longest that an analysis or a download may take
  double job_time_factor = 2;  ///< a conversion: that, and so much for each second of its part
  Seconds lease_s = 60;
  int max_attempts = 3;  ///< of a job whose worker was killed or that failed for no fault of the recording

  // Members' own voices (docs/own-voices.md).
  int max_own_voices = 3;                             ///< of one member, withdrawn ones not counted; 0: there are none here
  double own_voice_s = 300;                           ///< of usable recordings that a voice needs
  Credits training_credits = 20;                      ///< price of a training
  double training_minutes = 10;                       ///< how long a voice is trained, as TrainOptions::minutes
  std::int64_t training_steps = 0;                    ///< or so many steps; 0: by the minutes
  int trainings_per_day = 5;                          ///< of one member
  int voice_royalty_permille = 200;                   ///< of what others pay for a conversion with a published voice; for new consents
  Seconds consent_valid_s = 600;                      ///< how long a phrase may be spoken after it was asked for
  std::string consent_without_recogniser = "review";  ///< "review": a person listens; "refuse": there are no own voices then
  double consent_similarity = 0.85, consent_least_similarity = 0.65;  ///< accepted from the one on, refused below the other

  std::string currency = "eur";
  std::vector<Pack> packs = {{"small", "30 credits", 30, 499}, {"large", "120 credits", 120, 1499}};
  std::string stripe_secret_key, stripe_api_base = "https://api.stripe.com";
  std::vector<std::string> stripe_webhook_secrets;
  Seconds stripe_tolerance_s = 300;

  int artist_fee_permille = 100;                        ///< the service's share of what fans pay
  Money fan_amount_min = 100, fan_amount_max = 50'000;  ///< of a tier's month and of a tip
  int royalty_permille = 300;                           ///< of what a credit costs, to the owner of the voice: what is agreed from now on
  Money royalty_threshold = 1000;                       ///< less is not transferred
  Seconds royalty_hold_s = 30 * day;                    ///< after the end of its month a royalty waits so long for refunds
  double earnings_every_s = 30;                         ///< how often things to be done at Stripe are looked for

  std::string smtp_url;  ///< smtp://host:port or smtps://; empty: mails go to the log
  std::string smtp_user, smtp_password, mail_from = "voxconv <no-reply@localhost>";

  Seconds announce_delay_s = 600;  ///< between a song's publication and the mail to followers: time to take it back

  std::string contact = "";  ///< shown for takedowns

  // Releases and other platforms (docs/releases.md).
  std::string ddex_party_id, ddex_party_name;  ///< the operator's DPID and name in ERN messages
  std::string ddex_schema;                     ///< path of DDEX's release-notification.xsd: messages are checked by it
  std::vector<std::string> token_keys;         ///< 32 bytes in base64 each: the first seals members' tokens, all open them
  double publication_search_s = 60;            ///< for what may be there already, before it is posted anew
  std::string soundcloud_client_id, soundcloud_client_secret;
  std::string soundcloud_api_base = "https://api.soundcloud.com", soundcloud_auth_base = "https://secure.soundcloud.com";
  std::string youtube_client_id, youtube_client_secret;
  std::string youtube_api_base = "https://www.googleapis.com", youtube_auth_base = "https://accounts.google.com",
              youtube_token_base = "https://oauth2.googleapis.com";
  std::string audius_api_key, audius_api_base = "https://api.audius.co/v1", audius_storage_base = "https://creatornode.audius.co";

  std::string base_url() const;  ///< public_url or the default, without a slash or the scheme's own port at the end
  Mills credit_price() const;    ///< what a credit costs at least, in the cheapest pack
  std::int64_t guest_max_upload_bytes() const { return std::min(guest_upload_bytes, max_upload_bytes); }
};

/// Throws std::runtime_error: one sentence that names the file or variable and the setting. `path` empty: no file.
Config load_config(const std::string& path);

}  // namespace webwrap
