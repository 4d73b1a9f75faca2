#include "api/quick_jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/handlers.h"
#include "domain/error.h"
#include "store/job_end.h"
#include "store/records.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int first_at_a_time = 2;

}  // namespace

int priority_of_quick_job(Transaction& transaction, const Id& account) {
  return transaction.jobs().quick_count(account) < first_at_a_time ? quick_priority : free_priority;
}

json quick_job_view(const Job& job, const std::string& file_path) {
  const bool done = job.state == Job::State::done;
  return {{"id", job.id},
          {"state", name_of(job.state)},
          {"progress", job.progress},
          {"failure", or_null(job.failure)},
          {"url", done && !file_path.empty() ? json("/api/v1" + file_path) : json()}};
}

void add_quick_job(const Context& context, Transaction& transaction, Job& job, bool at_once) {
  if (!may_add_quick_job(context.config, transaction, job.account)) fail_too_many_quick_jobs(context.config);
  job.priority = at_once ? priority_of_quick_job(transaction, job.account) : free_priority;
  transaction.jobs().add(job);
}

bool reuse_or_add_quick_job(const Context& context, Transaction& transaction, Job& job, bool at_once) {
  if (auto before = transaction.jobs().find_by_request(job.account, job.request_key)) {
    const bool on_its_way = before->state == Job::State::queued || before->state == Job::State::running;
    if (on_its_way || !made_blob(*before).empty()) {
      job = std::move(*before);
      return false;
    }
    transaction.jobs().forget_request(before->id);
  }
  add_quick_job(context, transaction, job, at_once);
  return true;
}

bool is_lost(const Context& context, const Job& job) {
  const std::string blob = made_blob(job);
  if (blob.empty() || context.blobs.size(blob) >= 0) return false;
  context.store.write([&](Transaction& transaction) { transaction.jobs().forget_request(job.id); });
  return true;
}

int remove_forgotten_blobs(const Context& context) {
  constexpr int at_once = 1000;
  std::vector<std::string> blobs;
  context.store.read([&](Transaction& transaction) { blobs = transaction.jobs().blobs_to_remove(at_once); });
  if (blobs.empty()) return 0;
  const auto there = std::count_if(blobs.begin(), blobs.end(), [&](const std::string& blob) { return context.blobs.size(blob) >= 0; });
  for (const std::string& blob : blobs) context.blobs.remove(blob);
  context.store.write([&](Transaction& transaction) {
    for (const std::string& blob : blobs) transaction.jobs().forget_blob(blob);
  });
  return static_cast<int>(there);
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
