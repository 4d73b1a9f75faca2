#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "api/context.h"
#include "config/config.h"
#include "store/store.h"

namespace webwrap {

/// Priorities of jobs: smaller first.
constexpr int quick_priority = 0, paid_priority = 1, free_priority = 2, training_priority = 3;

/// Analyses, downloads and pictures, for which somebody waits before the page and which are short. They go before all conversions, but
/// only two of an account at a time: its others come after what was paid for, so that nobody holds the workers by many files.
int priority_of_quick_job(Transaction&, const Id& account);

/// Whether the account may have one more of them queued or running (config.max_quick_jobs).
bool may_add_quick_job(const Config&, Transaction&, const Id& account);
[[noreturn]] void fail_too_many_quick_jobs(const Config&);  ///< ServiceError(429, "too_many_jobs")

/// Adds a job that costs nothing: `at_once` before all conversions, as above, else after what was paid for. Throws ServiceError(429).
void add_quick_job(const Context&, Transaction&, Job&, bool at_once);

/// The job of an earlier request with the same request_key, which made the same or is about to, or else `job`, added as above; true: it was
/// added. Blobs are not looked at, which may take long: ask is_lost() after the transaction.
bool reuse_or_add_quick_job(const Context&, Transaction&, Job& job, bool at_once);

/// Whether the file that a job made is gone although the database knows of it. It is not given to another request then.
bool is_lost(const Context&, const Job&);

/// Removes the files of results that are forgotten, where the process that forgot them ended before it could; how many there were.
int remove_forgotten_blobs(const Context&);

/// Such a job as pages watch it; `file_path`: what it makes, below /api/v1, or "".
nlohmann::json quick_job_view(const Job&, const std::string& file_path);

}  // namespace webwrap
