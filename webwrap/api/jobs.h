#pragma once

#include "api/context.h"
#include "api/json_body.h"
#include "api/quick_jobs.h"
#include "config/config.h"
#include "store/store.h"
#include "voxconv/options.h"
#include "voxconv/voice.h"

namespace webwrap {

/// The validated conversion parameters of a quote or job request.
struct ConversionRequest {
  Recording recording;
  voxconv::VoiceInfo voice;
  bool is_members_voice = false;
  double start_s = 0, end_s = 0;  ///< the part: 0 <= start_s < end_s <= the recording's length
  bool preview = false;           ///< free; the part is then cut to config.preview_s
  bool keep_music = false;        ///< the vocals are converted, and their music stays
  Credits price = 0;              ///< of all
  Credits separation = 0;         ///< of that, what taking the song apart costs; 0: it is done already, or not needed

  double seconds() const { return end_s - start_s; }
};

/// Reads recording, voice, start_s, end_s, preview and keep_music. Throws ServiceError: 422 for a field, 409 "not_ready".
ConversionRequest read_conversion_request(const Context&, const Account&, JsonBody&);

/// Whether only the server sets this option: paths, and what is `local`.
bool is_server_side(const voxconv::OptionSpec& spec);

/// ConvertOptions from a client's JSON: those of voxconv::convert_option_table() except paths and `local` options, which only the
/// server sets. Throws ServiceError(422).
nlohmann::json read_options(const nlohmann::json& wanted);

nlohmann::json job_view(Transaction&, const Job&);

/// Adds a job whose price its account pays, and reserves that. Throws ServiceError: 401, 402 "not_enough_credits", 403 "account_frozen".
void add_paid_job(Transaction&, const Job&);

}  // namespace webwrap
