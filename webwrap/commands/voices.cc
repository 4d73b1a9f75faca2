#include <fmt/chrono.h>
#include <fmt/format.h>

#include <stdexcept>

#include "blob/blob_store.h"
#include "commands/commands.h"
#include "domain/clock.h"
#include "domain/error.h"
#include "domain/id.h"
#include "domain/printable.h"
#include "mail/mailer.h"
#include "store/store.h"
#include "store/voice_steps.h"

namespace webwrap {
namespace {

using VoiceState = OwnVoice::State;
using Verdict = Consent::Verdict;

std::string date(Seconds time) { return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time_t(time))); }

/// The try to consent that a person must hear, if there is one.
std::optional<Consent> consent_to_review(Transaction& transaction, const Id& voice) {
  for (Consent& consent : transaction.voices().consents(voice))
    if (consent.verdict == Verdict::review) return std::move(consent);
  return std::nullopt;
}

/// What an operator says to have seen: of what waits there may be another one by then, which nobody has listened to.
std::string seen_mark(Transaction& transaction, const OwnVoice& voice) {
  const auto consent = consent_to_review(transaction, voice.id);
  const std::string what =
      consent ? consent->id : fmt::format("{}\n{}\n{}\n{}\n{}", voice.title, voice.description, voice.language, voice.gender, voice.sha256);
  return hash_secret(what).substr(0, 8);
}

std::string what_waits(Transaction& transaction, const OwnVoice& voice) {
  if (voice.state == VoiceState::review) return "wants to be published";
  return consent_to_review(transaction, voice.id) ? "its consent must be heard" : "";
}

void print_line(Transaction& transaction, const OwnVoice& voice) {
  const std::string waits = what_waits(transaction, voice);
  fmt::print("{}  {:9}  {}{}{}\n", voice.id, name_of(voice.state), printable(voice.title), waits.empty() ? "" : ": " + waits,
             voice.hidden.empty() ? "" : "; hidden: " + printable(voice.hidden));
}

void print_consent(Transaction& transaction, BlobStore& blobs, const Consent& consent) {
  fmt::print("consent {} of {}: {}{}{}\n", consent.id, date(consent.asked), name_of(consent.verdict),
             consent.decided_by.empty() ? "" : " by the " + consent.decided_by,
             consent.decided > 0 ? fmt::format(", {}", date(consent.decided)) : "");
  if (!consent.reason.empty()) fmt::print("  why         {}\n", printable(consent.reason));
  fmt::print("  phrase      {}\n", consent.phrase);
  if (consent.heard >= 0)
    fmt::print("  heard       {} ({:.0f} % of it)\n", printable(consent.transcript, "              "), 100 * consent.heard);
  if (consent.similarity >= 0) fmt::print("  similarity  {:.2f} to the least similar recording\n", consent.similarity);
  if (consent.nearest_similarity >= 0) fmt::print("  nearest     {:.2f} to the voice {}\n", consent.nearest_similarity, consent.nearest);
  fmt::print("  royalty     {:g} %\n  terms       {}\n", consent.royalty_permille / 10.0, consent.terms);
  if (const auto spoken = consent.recording.empty() ? std::nullopt : transaction.recordings().find(consent.recording))
    fmt::print("  listen      {}\n", blobs.local_path(spoken->blob));
}

void mail(const Config& config, const std::string& to, const std::string& subject, const std::string& text) {
  if (!to.empty()) make_mailer(config)->send({to, subject, text});
}

std::string page_of(const Config& config, const OwnVoice& voice) { return config.base_url() + "/app/own-voices/" + voice.id; }

/// Finds a voice, lets `decide` change it in one transaction, then prints what that returns and mails it to the owner.
int decided(const Config& config, const Id& id, const std::function<std::string(Transaction&, OwnVoice&)>& decide) {
  std::string words, address;
  OwnVoice voice;
  try {
    open_existing_store(config)->write([&](Transaction& transaction) {
      const auto found = transaction.voices().find(id);
      if (!found) throw std::runtime_error(fmt::format("There is no voice \"{}\"; webwrap voices --all lists them.", id));
      voice = *found;
      words = decide(transaction, voice);
      if (const auto account = transaction.accounts().find(voice.account)) address = account->email;
    });
  } catch (const ServiceError& error) {
    throw std::runtime_error(error.what());
  }
  fmt::print("{} (\"{}\"): {}\n", voice.id, printable(voice.title), words);
  mail(config, address, "Your voxconv voice", fmt::format("Your voice \"{}\": {}\n\n{}\n", voice.title, words, page_of(config, voice)));
  return 0;
}

}  // namespace

int list_voices(const Config& config, bool all) {
  open_existing_store(config)->read([&](Transaction& transaction) {
    int count = 0;
    for (const OwnVoice& voice : transaction.voices().all()) {
      if (!all && what_waits(transaction, voice).empty()) continue;
      print_line(transaction, voice);
      ++count;
    }
    if (count == 0) fmt::print("{}\n", all ? "Nobody has made a voice." : "No voice waits for anybody.");
  });
  return 0;
}

int show_voice(const Config& config, const Id& id) {
  const auto blobs = open_local_blob_store(blob_path(config));
  open_existing_store(config)->read([&](Transaction& transaction) {
    const auto voice = transaction.voices().find(id);
    if (!voice) throw std::runtime_error(fmt::format("There is no voice \"{}\"; webwrap voices --all lists them.", id));
    print_line(transaction, *voice);
    const auto account = transaction.accounts().find(voice->account);
    fmt::print("by {} ({}), {}\n", account ? printable(account->name) : "", account ? account->email : "nobody", date(voice->created));
    if (!voice->description.empty()) fmt::print("{}\n", printable(voice->description, "  "));
    if (!voice->refusal.empty()) fmt::print("refused before: {}\n", printable(voice->refusal));
    if (!voice->sample.empty()) fmt::print("the voice itself: listen  {}\n", blobs->local_path(voice->sample));
    for (const Recording& recording : transaction.voices().recordings(id))
      if (recording.consent.empty())
        fmt::print("recording of {:.0f} s: listen  {}\n", recording.duration_s, blobs->local_path(recording.blob));
    for (const Consent& consent : transaction.voices().consents(id)) print_consent(transaction, *blobs, consent);
    if (!what_waits(transaction, *voice).empty())
      fmt::print("to approve: webwrap voices approve {} {}\n", id, seen_mark(transaction, *voice));
  });
  return 0;
}

int approve_voice(const Config& config, const Id& id, const std::string& seen) {
  return decided(config, id, [&](Transaction& transaction, OwnVoice& voice) {
    const Seconds now = SystemClock().now();
    if (!what_waits(transaction, voice).empty() && seen != seen_mark(transaction, voice))
      throw std::runtime_error(fmt::format("What waits is not what you looked at; look again: webwrap voices show {}.", id));
    if (auto consent = consent_to_review(transaction, voice.id)) {
      voice_steps::accept_consent(transaction, voice, *consent, "operator", now);
      return "the consent counts, and the voice can be trained.";
    }
    voice_steps::publish(transaction, voice, now);
    return "it is published.";
  });
}

int refuse_voice(const Config& config, const Id& id, const std::string& reason) {
  return decided(config, id, [&](Transaction& transaction, OwnVoice& voice) -> std::string {
    if (auto consent = consent_to_review(transaction, voice.id)) {
      voice_steps::refuse_consent(transaction, *consent, reason, "operator", SystemClock().now());
      return "the consent was refused: " + reason;
    }
    voice_steps::refuse_publication(transaction, voice, reason);
    return "it was not published: " + reason;
  });
}

int hide_voice(const Config& config, const Id& id, const std::string& reason) {
  return decided(config, id, [&](Transaction& transaction, OwnVoice& voice) -> std::string {
    voice_steps::hide(transaction, voice, reason, SystemClock().now());
    return reason.empty() ? "it is open again." : "it was closed, and nobody can convert with it: " + reason;
  });
}

}  // namespace webwrap
