#pragma once
#include "config/config.h"
#include "store/store.h"

namespace webwrap {

/// Priorities of jobs: smaller first.
constexpr int quick_priority = 0, paid_priority = 1, free_priority = 2;

/// Analyses and downloads, for which somebody waits before the page and which are short. They go before all conversions, but only
/// two of an account at a time: its others come after what was paid for, so that nobody holds the workers by many files.
int priority_of_quick_job(Transaction&, const Id& account);

/// Whether the account may have one more of them queued or running (config.max_quick_jobs).
bool may_add_quick_job(const Config&, Transaction&, const Id& account);
[[noreturn]] void fail_too_many_quick_jobs(const Config&);  ///< ServiceError(429, "too_many_jobs")

}  // namespace webwrap
