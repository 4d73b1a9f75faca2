#include "store/job_end.h"

#include <nlohmann/json.hpp>

#include "store/voice_steps.h"

namespace webwrap {
namespace {

/// A publication says by itself how it stands: one that could not be taken down is still there.
void fail_publication(Transaction& transaction, const Job& job, const std::string& failure, Seconds now) {
  const auto parameters = nlohmann::json::parse(job.parameters);
  auto publication = transaction.releases().find_publication(parameters.at("publication"));
  if (!publication) return;
  publication->state = parameters.at("remove").get<bool>() ? Publication::State::published : Publication::State::failed;
  publication->failure = failure.empty() ? "It was stopped." : failure;
  publication->changed = now;
  transaction.releases().update_publication(*publication);
}

/// Who spoke a phrase that cannot be looked at is to be asked for another.
void refuse_phrase(Transaction& transaction, const Recording& recording, Seconds now) {
  if (recording.consent.empty()) return;
  auto consent = transaction.voices().find_consent(recording.consent);
  if (consent && consent->verdict == Consent::Verdict::checking && consent->recording == recording.id)
    voice_steps::refuse_consent(transaction, *consent, recording.failure, "service", now);
}

}  // namespace

std::string made_blob(const Job& job) {
  return job.state == Job::State::done && !job.result.empty() ? nlohmann::json::parse(job.result).value("blob", "") : std::string();
}

void settle(Transaction& transaction, const Job& job, Job::State ended_as, Seconds now) {
  if (job.price == 0) return;
  LedgerEntry entry =
      ended_as == Job::State::done ? capture_entry(job.account, job.id, job.price) : release_entry(job.account, job.id, job.price);
  entry.time = now;
  transaction.ledger().post(entry);
}

bool end_without_result(Transaction& transaction, const Job& job, Job::State ended_as, const std::string& failure, Seconds now) {
  if (!transaction.jobs().finish(job.id, job.attempts, job.worker, ended_as, "", failure, now)) return false;
  settle(transaction, job, ended_as, now);
  if (job.kind == Job::Kind::train) voice_steps::end_training(transaction, job.voice);
  if (job.kind == Job::Kind::analyse && ended_as == Job::State::failed)
    if (auto recording = transaction.recordings().find(job.recording)) {
      recording->state = Recording::State::failed;
      recording->failure = failure;
      transaction.recordings().update(*recording);
      refuse_phrase(transaction, *recording, now);
    }
  if (job.kind == Job::Kind::publish) fail_publication(transaction, job, failure, now);
  return true;
}

void cancel_job(Transaction& transaction, const Job& job, Seconds now) {
  if (job.state != Job::State::queued && job.state != Job::State::running) return;
  if (!transaction.jobs().cancel(job.id, now)) return;
  settle(transaction, job, Job::State::cancelled, now);
  if (job.kind == Job::Kind::train) voice_steps::end_training(transaction, job.voice);
}

}  // namespace webwrap
