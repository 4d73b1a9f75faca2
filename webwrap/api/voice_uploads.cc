#include "api/voice_uploads.h"

#include "api/handlers.h"
#include "api/json_body.h"
#include "domain/error.h"
#include "store/records.h"
#include "store/voice_steps.h"

namespace webwrap {
namespace {

using nlohmann::json;
using VoiceState = OwnVoice::State;
using Verdict = Consent::Verdict;

constexpr std::size_t max_recordings = 60;  // of one voice
constexpr double most_recorded_s = 3600;    // of one voice

}  // namespace

double counted_s(const Recording& recording) { return recording.usable_s >= OwnVoice::shortest_recording_s ? recording.usable_s : 0; }

Gathered gathered(Transaction& transaction, const Id& voice) {
  Gathered all;
  for (Recording& recording : transaction.voices().recordings(voice)) {
    if (!recording.consent.empty()) continue;
    all.usable_s += counted_s(recording);
    if (recording.state == Recording::State::uploading || recording.state == Recording::State::analysing) all.all_ready = false;
    all.recordings.push_back(std::move(recording));
  }
  return all;
}

void read_voice_of_upload(const std::map<std::string, std::string>& metadata, Recording& recording) {
  const auto value = [&](const char* name) {
    const auto found = metadata.find(name);
    return found == metadata.end() ? std::string() : found->second;
  };
  recording.voice = value("voice");
  recording.consent = value("consent");
  if (recording.voice.empty() && recording.consent.empty()) return;
  if (!recording.backing.empty()) fail_field("voice", "what was sung to a song is no recording of a voice alone.");
}

void require_voice_of_upload(Transaction& transaction, const Recording& recording, Seconds now) {
  if (recording.voice.empty() && recording.consent.empty()) return;
  const auto voice = transaction.voices().find(recording.voice);
  if (!voice || voice->account != recording.account) fail_field("voice", "there is no such voice of yours.");
  if (voice->state != VoiceState::draft)
    throw ServiceError(409, "wrong_step", "This voice's recordings stay as they are once you have consented to it.");
  if (recording.consent.empty()) {
    const Gathered all = gathered(transaction, voice->id);
    double recorded_s = 0;
    for (const Recording& other : all.recordings) recorded_s += other.duration_s;
    if (all.recordings.size() >= max_recordings || recorded_s >= most_recorded_s)
      throw ServiceError(409, "too_many_recordings", "These are enough recordings for one voice; delete some first.");
    return;
  }
  const auto consent = transaction.voices().find_consent(recording.consent);
  if (!consent || consent->voice != voice->id || consent->verdict != Verdict::asked)
    fail_field("consent", "this phrase was not asked for, or was spoken before; ask for a new one.");
  if (now >= consent->expires) fail_field("consent", "this phrase is too old; ask for a new one.");
}

void note_spoken(const Config& config, Transaction& transaction, const Recording& recording, Seconds now) {
  auto consent = transaction.voices().find_consent(recording.consent);
  if (!consent || consent->verdict != Verdict::asked) return;
  consent->recording = recording.id;
  // An upload can be begun in time and filled later, when somebody had the time to make up what it holds.
  if (now >= consent->expires + config.consent_valid_s)
    return voice_steps::refuse_consent(transaction, *consent, "Your recording came too late; ask for a new phrase.", "service", now);
  consent->verdict = Verdict::checking;
  transaction.voices().update_consent(*consent);
}

json export_of(const OwnVoice& voice, const std::vector<Consent>& consents) {
  json tries = json::array();
  for (const Consent& consent : consents)
    tries.push_back({{"id", consent.id},
                     {"phrase", consent.phrase},
                     {"asked", consent.asked},
                     {"recording", consent.recording},
                     {"transcript", consent.transcript},
                     {"heard", consent.heard},
                     {"similarity", consent.similarity},
                     {"verdict", name_of(consent.verdict)},
                     {"reason", consent.reason},
                     {"decided_by", consent.decided_by},
                     {"decided", consent.decided},
                     {"terms", consent.terms},
                     {"royalty_permille", consent.royalty_permille}});
  return {{"id", voice.id},
          {"title", voice.title},
          {"description", voice.description},
          {"language", voice.language},
          {"gender", voice.gender},
          {"state", name_of(voice.state)},
          {"hidden", voice.hidden},
          {"refusal", voice.refusal},
          {"royalty_permille", voice.royalty_permille},
          {"usable_s", voice.usable_s},
          {"created", voice.created},
          {"trained", voice.trained},
          {"published", voice.published},
          {"withdrawn", voice.withdrawn},
          {"consents", tries}};
}

}  // namespace webwrap
