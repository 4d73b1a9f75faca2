#pragma once

#include "api/context.h"
#include "api/json_body.h"
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

/// Priorities of jobs: smaller first.
constexpr int quick_priority = 0, paid_priority = 1, free_priority = 2, training_priority = 3;

nlohmann::json job_view(Transaction&, const Job&);

/// Adds a job whose price its account pays, and reserves that. Throws ServiceError: 401, 402 "not_enough_credits", 403 "account_frozen".
void add_paid_job(Transaction&, const Job&);

/// Analyses, downloads and pictures, for which somebody waits before the page and which are short. They go before all conversions, but
/// only two of an account at a time: its others come after what was paid for, so that nobody holds the workers by many files.
int priority_of_quick_job(Transaction&, const Id& account);

/// Whether the account may have one more of them queued or running (config.max_quick_jobs).
bool may_add_quick_job(const Config&, Transaction&, const Id& account);
[[noreturn]] void fail_too_many_quick_jobs(const Config&);  ///< ServiceError(429, "too_many_jobs")

/// Adds a job that costs nothing: `at_once` before all conversions, as above, else after what was paid for. Throws ServiceError(429).
void add_quick_job(const Context&, Transaction&, Job&, bool at_once);

/// Such a job as pages watch it; `file_path`: what it makes, below /api/v1, or "".
nlohmann::json quick_job_view(const Job&, const std::string& file_path);

}  // namespace webwrap
