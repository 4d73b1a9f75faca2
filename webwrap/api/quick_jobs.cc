#include "api/quick_jobs.h"

#include <fmt/format.h>

#include "domain/error.h"

namespace webwrap {
namespace {

constexpr int first_at_a_time = 2;

}  // namespace

int priority_of_quick_job(Transaction& transaction, const Id& account) {
  return transaction.jobs().quick_count(account) < first_at_a_time ? quick_priority : free_priority;
}

bool may_add_quick_job(const Config& config, Transaction& transaction, const Id& account) {
  return transaction.jobs().quick_count(account) < config.max_quick_jobs;
}

void fail_too_many_quick_jobs(const Config& config) {
  throw ServiceError(
      429, "too_many_jobs",
      fmt::format("{} of your recordings and downloads are being worked on; wait until one is done.", config.max_quick_jobs));
}

}  // namespace webwrap
