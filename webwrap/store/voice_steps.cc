#include "store/voice_steps.h"

#include <algorithm>
#include <map>

#include "domain/error.h"
#include "domain/id.h"
#include "store/job_end.h"

namespace webwrap {
namespace {

using VoiceState = OwnVoice::State;

[[noreturn]] void fail_step(const OwnVoice& voice, const std::string& what) {
  throw ServiceError(409, "wrong_step", "This voice is in the state " + name_of(voice.state) + ", in which it cannot " + what + ".");
}

void step(OwnVoice& voice, VoiceState to) {
  if (!voice_steps::leads(voice.state, to)) fail_step(voice, "become " + name_of(to));
  voice.state = to;
}

void step_and_update(Transaction& transaction, OwnVoice& voice, VoiceState to) {
  step(voice, to);
  transaction.voices().update(voice);
}

void cancel_jobs(Transaction& transaction, const Id& voice, Seconds now) {
  for (const Job& job : transaction.voices().active_jobs(voice)) cancel_job(transaction, job, now);
}

/// Conversions with the voice pay its owner while it is published, for everyone: not who has it privately or by a link.
void follow_publication(Transaction& transaction, const OwnVoice& voice) {
  const bool earns = voice.state == VoiceState::published;
  transaction.earnings().set_owner({voice.id, earns ? voice.account : Id(), voice.royalty_permille, voice.published});
}

}  // namespace

bool voice_steps::leads(VoiceState from, VoiceState to) {
  static const std::map<VoiceState, std::vector<VoiceState>> steps = {
      {VoiceState::draft, {VoiceState::consent, VoiceState::withdrawn}},
      {VoiceState::consent, {VoiceState::draft, VoiceState::training, VoiceState::withdrawn}},
      {VoiceState::training, {VoiceState::consent, VoiceState::private_, VoiceState::withdrawn}},
      {VoiceState::private_, {VoiceState::private_, VoiceState::link, VoiceState::review, VoiceState::withdrawn}},
      {VoiceState::link, {VoiceState::private_, VoiceState::link, VoiceState::review, VoiceState::withdrawn}},
      {VoiceState::review, {VoiceState::private_, VoiceState::published, VoiceState::withdrawn}},
      {VoiceState::published, {VoiceState::private_, VoiceState::link, VoiceState::withdrawn}},
      {VoiceState::withdrawn, {}},
  };
  const std::vector<VoiceState>& next = steps.at(from);
  return std::find(next.begin(), next.end(), to) != next.end();
}

void voice_steps::accept_consent(Transaction& transaction, OwnVoice& voice, Consent& consent, const std::string& decided_by, Seconds now) {
  step(voice, VoiceState::consent);
  voice.royalty_permille = consent.royalty_permille;
  transaction.voices().update(voice);
  consent.verdict = Consent::Verdict::accepted;
  consent.reason.clear();
  consent.decided_by = decided_by;
  consent.decided = now;
  transaction.voices().update_consent(consent);
}

void voice_steps::refuse_consent(Transaction& transaction, Consent& consent, const std::string& reason, const std::string& decided_by,
                                 Seconds now) {
  consent.verdict = Consent::Verdict::refused;
  consent.reason = reason;
  consent.decided_by = decided_by;
  consent.decided = now;
  transaction.voices().update_consent(consent);
}

void voice_steps::end_open_consents(Transaction& transaction, const Id& voice, const std::string& reason, Seconds now) {
  for (Consent& consent : transaction.voices().consents(voice))
    if (consent.verdict != Consent::Verdict::accepted && consent.verdict != Consent::Verdict::refused)
      refuse_consent(transaction, consent, reason, "service", now);
}

void voice_steps::reopen(Transaction& transaction, OwnVoice& voice) { step_and_update(transaction, voice, VoiceState::draft); }

void voice_steps::begin_training(Transaction& transaction, OwnVoice& voice) { step_and_update(transaction, voice, VoiceState::training); }

void voice_steps::end_training(Transaction& transaction, const Id& id) {
  auto voice = transaction.voices().find(id);
  if (voice && voice->state == VoiceState::training) step_and_update(transaction, *voice, VoiceState::consent);
}

void voice_steps::finish_training(Transaction& transaction, OwnVoice& voice, const OwnVoice& made, Seconds now) {
  step(voice, VoiceState::private_);
  voice.bundle = made.bundle;
  voice.sample = made.sample;
  voice.sha256 = made.sha256;
  voice.files = made.files;
  voice.bytes = made.bytes;
  voice.usable_s = made.usable_s;
  voice.f0_low = made.f0_low;
  voice.f0_median = made.f0_median;
  voice.f0_high = made.f0_high;
  voice.trained = now;
  transaction.voices().update(voice);
}

void voice_steps::open_to_owner(Transaction& transaction, OwnVoice& voice) {
  step(voice, VoiceState::private_);
  voice.link.clear();
  transaction.voices().update(voice);
  follow_publication(transaction, voice);
}

void voice_steps::open_by_link(Transaction& transaction, OwnVoice& voice) {
  step(voice, VoiceState::link);
  voice.link = new_id();
  transaction.voices().update(voice);
  follow_publication(transaction, voice);
}

void voice_steps::ask_for_review(Transaction& transaction, OwnVoice& voice) {
  step(voice, VoiceState::review);
  voice.link.clear();
  voice.refusal.clear();
  transaction.voices().update(voice);
}

void voice_steps::publish(Transaction& transaction, OwnVoice& voice, Seconds now) {
  step(voice, VoiceState::published);
  voice.published = now;
  transaction.voices().update(voice);
  follow_publication(transaction, voice);
}

void voice_steps::refuse_publication(Transaction& transaction, OwnVoice& voice, const std::string& reason) {
  if (voice.state != VoiceState::review) fail_step(voice, "be refused, since nobody asked to publish it");
  step(voice, VoiceState::private_);
  voice.refusal = reason;
  transaction.voices().update(voice);
}

void voice_steps::hide(Transaction& transaction, OwnVoice& voice, const std::string& reason, Seconds now) {
  if (!voice.is_trained()) fail_step(voice, "be hidden, since there is nothing to convert with");
  voice.hidden = reason;
  transaction.voices().update(voice);
  if (!reason.empty()) cancel_jobs(transaction, voice.id, now);
}

std::vector<std::string> voice_steps::withdraw(Transaction& transaction, OwnVoice& voice, Seconds now) {
  step(voice, VoiceState::withdrawn);
  cancel_jobs(transaction, voice.id, now);
  const std::vector<std::string> blobs = blobs_of_voice(transaction, voice.id);
  for (const Recording& recording : transaction.voices().recordings(voice.id)) {
    for (const Job& job : transaction.jobs().list(voice.account, 200))
      if (job.kind == Job::Kind::analyse && job.recording == recording.id) cancel_job(transaction, job, now);
    transaction.recordings().erase(recording.id);
  }
  voice.bundle.clear();
  voice.sample.clear();
  voice.files.clear();
  voice.embedding.clear();
  voice.link.clear();
  voice.bytes = 0;
  voice.withdrawn = now;
  transaction.voices().update(voice);
  follow_publication(transaction, voice);
  return blobs;
}

std::vector<std::string> blobs_of_voice(Transaction& transaction, const Id& voice) {
  std::vector<std::string> prefixes = {"voices/" + voice + "/"};
  for (const Recording& recording : transaction.voices().recordings(voice)) prefixes.push_back("recordings/" + recording.id + "/");
  return prefixes;
}

}  // namespace webwrap
