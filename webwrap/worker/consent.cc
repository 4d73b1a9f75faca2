#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "domain/clock.h"
#include "domain/phrase.h"
#include "log/log.h"
#include "store/voice_steps.h"
#include "voxconv/speech.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

using nlohmann::json;
using Verdict = Consent::Verdict;

/// Somebody else may be heard in a part of a recording only, so parts of this length are compared, too.
constexpr double part_s = 10;
/// Of two voices' whole recordings, from which on they may be one speaker (docs/own-voices.md has the figures).
constexpr double same_voice = 0.9;

/// Finds the one of the voices that is most like `embedding`.
void find_nearest(const voxconv::SpeakerEmbedding& embedding, const std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>>& voices,
                  Consent& consent) {
  for (const auto& [name, other] : voices) {
    if (other.size() != embedding.size()) continue;
    const double similarity = voxconv::speaker_similarity(embedding, other);
    if (similarity <= consent.nearest_similarity) continue;
    consent.nearest = name;
    consent.nearest_similarity = similarity;
  }
}

/// What is to become of a consent, by what was found out: the verdict, and a sentence where it is not accepted.
/// `part_similarity`: of the least similar part of the recordings.
std::pair<Verdict, std::string> judge(const Config& config, const Consent& consent, double part_similarity,
                                      const std::optional<Heard>& heard, bool is_new) {
  if (!is_new) return {Verdict::refused, "This very recording was used before. Speak the phrase anew."};
  if (consent.similarity < config.consent_least_similarity)
    return {Verdict::refused,
            "This does not sound like the voice in the recordings. Speak with your usual voice, in the room where you recorded."};
  if (heard && !heard->is_enough())
    return {Verdict::refused, "We heard other words than those of the phrase. Ask for a new one and read it slowly, word by word."};
  if (!heard && config.consent_without_recogniser == "refuse")
    return {Verdict::refused, "Consents cannot be checked here at the moment; please come back later."};
  if (part_similarity < config.consent_least_similarity)
    return {Verdict::review, "A part of your recordings sounds like somebody else, so a person will listen; we tell you by mail."};
  if (!heard) return {Verdict::review, "A person will listen to your phrase; we tell you by mail."};
  if (consent.nearest_similarity >= same_voice)
    return {Verdict::review, "This sounds much like another voice here, so a person will listen; we tell you by mail."};
  if (consent.similarity < config.consent_similarity)
    return {Verdict::review, "We are not sure that this is the voice in the recordings, so a person will listen; we tell you by mail."};
  return {Verdict::accepted, ""};
}

/// The least similarity of any part of a recording to `speaker`; what is soft counts as much as what is loud.
double least_similar_part(const std::string& path, double duration_s, const voxconv::SpeakerEmbedding& speaker,
                          const voxconv::CancelToken& cancel) {
  double least = 1;
  for (double start_s = 0; start_s == 0 || duration_s - start_s >= part_s / 2; start_s += part_s) {
    PartReader reader(voxconv::open_reader(path), start_s, std::min(start_s + part_s, duration_s), cancel);
    const voxconv::SpeakerEmbedding embedding = voxconv::speaker_embedding(reader, cancel);
    if (!embedding.empty()) least = std::min(least, voxconv::speaker_similarity(speaker, embedding));
  }
  return least;
}

}  // namespace

voxconv::SpeakerEmbedding AudioRunner::embedding_of(const JobTask& task, const std::string& path) {
  PartReader reader(voxconv::open_reader(path), 0, -1, task.cancel);
  return voxconv::speaker_embedding(reader, task.cancel);
}

const std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>>& AudioRunner::installed_embeddings(const JobTask& task) {
  if (installed_embeddings_) return *installed_embeddings_;
  std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>> embeddings;
  for (const voxconv::VoiceInfo& voice : voxconv::VoiceStore().list()) {
    std::error_code ignored;
    for (std::filesystem::directory_iterator item(voice.path, ignored), end; item != end; item.increment(ignored))
      if (item->path().stem() == "sample") embeddings.emplace_back(voice.name, embedding_of(task, item->path().string()));
  }
  return installed_embeddings_.emplace(std::move(embeddings));
}

std::function<bool(Transaction&)> AudioRunner::check_consent(const JobTask& task, const Recording& spoken) {
  std::optional<Consent> found;
  std::vector<Recording> recordings;
  std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>> others;
  store_.read([&](Transaction& transaction) {
    found = transaction.voices().find_consent(spoken.consent);
    for (const Recording& recording : transaction.voices().recordings(spoken.voice))
      if (recording.consent.empty() && recording.usable_s >= OwnVoice::shortest_recording_s) recordings.push_back(recording);
    for (const OwnVoice& voice : transaction.voices().all())
      if (voice.id != spoken.voice && voice.account != spoken.account && !voice.embedding.empty())
        others.emplace_back(voice.id, json::parse(voice.embedding).get<voxconv::SpeakerEmbedding>());
  });
  if (!found || found->verdict != Verdict::checking || found->recording != spoken.id) return {};
  Consent consent = *found;
  const std::string path = blobs_.local_path(spoken.blob);
  consent.audio_sha256 = sha256_of_file(path);

  const voxconv::SpeakerEmbedding speaker = embedding_of(task, path);
  std::vector<voxconv::SpeakerEmbedding> embeddings;
  consent.similarity = recordings.empty() ? -1 : 1;
  double part_similarity = 1;
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    task.progress.report(0.9 + 0.1 * double(i) / double(recordings.size()), "comparing");
    embeddings.push_back(embedding_of(task, blobs_.local_path(recordings[i].blob)));
    // The least similar recording counts: none of them may be of somebody else.
    consent.similarity = std::min(consent.similarity, voxconv::speaker_similarity(speaker, embeddings.back()));
    part_similarity = std::min(part_similarity,
                               least_similar_part(blobs_.local_path(recordings[i].blob), recordings[i].duration_s, speaker, task.cancel));
  }
  const voxconv::SpeakerEmbedding embedding = voxconv::mean_embedding(embeddings);
  find_nearest(embedding, others, consent);
  find_nearest(embedding, installed_embeddings(task), consent);

  std::optional<Heard> heard;
  if (voxconv::has_recogniser()) {
    PartReader reader(voxconv::open_reader(path), 0, -1, task.cancel);
    consent.transcript = voxconv::transcribe(reader, consent.language, task.cancel).text;
    heard = compare({consent.language, consent.phrase}, consent.transcript);
    consent.heard = heard->share;
  }
  return [this, consent, part_similarity, heard, embedding](Transaction& transaction) mutable {
    const auto now = transaction.voices().find_consent(consent.id);
    auto voice = transaction.voices().find(consent.voice);
    // Recordings came or went meanwhile, or another phrase was asked for: then it was refused already.
    if (!now || now->verdict != Verdict::checking || !voice || voice->state != OwnVoice::State::draft) return true;
    const bool is_new = !transaction.voices().is_used_for_another(consent.id, consent.audio_sha256);
    const auto [verdict, reason] = judge(config_, consent, part_similarity, heard, is_new);
    voice->embedding = json(embedding).dump();
    const Seconds time = SystemClock().now();
    if (verdict == Verdict::accepted) {
      voice_steps::accept_consent(transaction, *voice, consent, "service", time);
    } else if (verdict == Verdict::refused) {
      voice_steps::refuse_consent(transaction, consent, reason, "service", time);
    } else {
      consent.verdict = Verdict::review;
      consent.reason = reason;
      transaction.voices().update_consent(consent);
      transaction.voices().update(*voice);
    }
    log(Level::info, "consent checked", {{"consent", consent.id}, {"verdict", name_of(consent.verdict)}});
    return true;
  };
}

}  // namespace webwrap
