#include "api/own_voices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/json_body.h"
#include "api/voice_uploads.h"
#include "api/voices.h"
#include "domain/id.h"
#include "domain/phrase.h"
#include "log/log.h"
#include "store/voice_steps.h"
#include "voxconv/speech.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;
using VoiceState = OwnVoice::State;
using Verdict = Consent::Verdict;

constexpr int phrases_per_day = 30;  // of one account: each costs a check by the workers
/// What a training keeps on the disk while it lasts: features of the recordings, checkpoints.
constexpr std::int64_t training_bytes_per_s = 500'000, training_bytes = 100'000'000;

json view(const Consent& consent) {
  return {{"id", consent.id},
          {"phrase", consent.phrase},
          {"language", consent.language},
          {"expires", consent.expires},
          {"verdict", name_of(consent.verdict)},
          {"reason", or_null(consent.reason)},
          {"decided", or_null(consent.decided)}};
}

json view(const Recording& recording) {
  return {{"id", recording.id},
          {"name", recording.name},
          {"state", name_of(recording.state)},
          {"failure", or_null(recording.failure)},
          {"duration_s", recording.duration_s},
          {"usable_s", counted_s(recording)},
          {"size", recording.size},
          {"created", recording.created}};
}

std::optional<Job> training_of(Transaction& transaction, const OwnVoice& voice) {
  for (Job& job : transaction.voices().active_jobs(voice.id))
    if (job.kind == Job::Kind::train) return std::move(job);
  return std::nullopt;
}

json view(Transaction& transaction, const Config& config, const OwnVoice& voice) {
  const Gathered all = gathered(transaction, voice.id);
  json recordings = json::array(), consent, training = {{"price", config.training_credits}, {"job", nullptr}};
  for (const Recording& recording : all.recordings) recordings.push_back(view(recording));
  if (const auto tries = transaction.voices().consents(voice.id); !tries.empty()) consent = view(tries.front());
  if (const auto job = training_of(transaction, voice)) training["job"] = job_view(transaction, *job);
  const bool has_link = voice.state == VoiceState::link && voice.hidden.empty();
  return {{"id", voice.id},
          {"state", name_of(voice.state)},
          {"title", voice.title},
          {"description", voice.description},
          {"language", voice.language},
          {"gender", voice.gender},
          {"hidden", or_null(voice.hidden)},
          {"refusal", or_null(voice.refusal)},
          {"royalty_permille", voice.state == VoiceState::draft ? config.voice_royalty_permille : voice.royalty_permille},
          {"recordings", recordings},
          {"usable_s", voice.is_trained() ? voice.usable_s : all.usable_s},
          {"needed_s", config.own_voice_s},
          {"consent", consent},
          {"training", training},
          {"link_url", has_link ? json(fmt::format("{}/app/voices/{}", config.base_url(), voice.link)) : json()},
          {"sample_url", voice.is_open_to_owner() ? json(fmt::format("/api/v1/voices/{}/sample", voice.id)) : json()},
          {"created", voice.created},
          {"trained", or_null(voice.trained)},
          {"published", or_null(voice.published)},
          {"withdrawn", or_null(voice.withdrawn)}};
}

OwnVoice own_voice(Transaction& transaction, const Account& account, const Id& id) {
  return owned(transaction.voices().find(id), account, "no_such_voice", "There is no such voice of yours.");
}

/// Runs `change` on the voice of the request in a transaction, and answers with what it is then.
Response changed(const Context& context, const Request& request, const Account& account,
                 const std::function<void(Transaction&, OwnVoice&)>& change) {
  json answer;
  context.store.write([&](Transaction& transaction) {
    OwnVoice voice = own_voice(transaction, account, request.params.at("id"));
    change(transaction, voice);
    answer = view(transaction, context.config, voice);
  });
  return json_response(200, answer);
}

void read_about(JsonBody& body, OwnVoice& voice) {
  if (const auto title = body.optional_text("title", 1, 60)) voice.title = *title;
  if (const auto description = body.optional_text("description", 0, 300)) voice.description = *description;
  if (const auto language = body.optional_text("language", 2, 12)) {
    const bool plain =
        std::all_of(language->begin(), language->end(), [](unsigned char c) { return c < 0x80 && (std::isalnum(c) || c == '-'); });
    if (!plain) fail_field("language", "this is no code of a language, as en or pt-BR are.");
    voice.language = *language;
  }
  if (const auto gender = body.optional_text("gender", 0, 6)) {
    if (!gender->empty() && *gender != "female" && *gender != "male") fail_field("gender", "this is female, male or empty.");
    voice.gender = *gender;
  }
}

Response list_own_voices(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const OwnVoice& voice : transaction.voices().list(account.id)) list.push_back(view(transaction, context.config, voice));
  });
}

Response post_own_voice(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  if (!account.email_verified)
    throw ServiceError(403, "not_verified", "Open the link that was sent to your e-mail address first: a voice needs somebody to ask.");
  JsonBody body(request, {"title", "description", "language", "gender"});
  OwnVoice voice;
  voice.id = new_id();
  voice.account = account.id;
  voice.title = body.text("title", 1, 60);
  voice.language = body.text("language", 2, 12);
  read_about(body, voice);
  voice.created = context.clock.now();
  json answer;
  context.store.write([&](Transaction& transaction) {
    const auto all = transaction.voices().list(account.id);
    const auto kept = std::count_if(all.begin(), all.end(), [](const OwnVoice& other) { return other.state != VoiceState::withdrawn; });
    if (kept >= context.config.max_own_voices)
      throw ServiceError(409, "too_many_voices",
                         context.config.max_own_voices == 0
                             ? "Own voices are not made here."
                             : fmt::format("You have {} voices, which is the most there can be; delete one first.", kept));
    transaction.voices().add(voice);
    answer = view(transaction, context.config, voice);
  });
  return json_response(201, answer);
}

/// Asked again and again while something is on its way: an unchanged one is answered by 304 without a body.
Response get_own_voice(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) {
    answer = view(transaction, context.config, own_voice(transaction, account, request.params.at("id")));
  });
  return tagged_response(request, answer);
}

Response patch_own_voice(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  JsonBody body(request, {"title", "description", "language", "gender"});
  return changed(context, request, account, [&](Transaction& transaction, OwnVoice& voice) {
    if (voice.state == VoiceState::review || voice.state == VoiceState::published || voice.state == VoiceState::withdrawn)
      throw ServiceError(409, "wrong_step", "What an operator has looked at cannot be changed; make the voice private first.");
    read_about(body, voice);
    transaction.voices().update(voice);
  });
}

/// A voice that was never heard goes with all that there is of it; a trained one leaves its record with its consents, which says why there
/// were songs with it.
Response delete_own_voice(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  std::vector<std::string> blobs;
  context.store.write([&](Transaction& transaction) {
    OwnVoice voice = own_voice(transaction, account, request.params.at("id"));
    const bool was_trained = voice.is_trained();
    blobs = voice_steps::withdraw(transaction, voice, context.clock.now());
    if (!was_trained) transaction.voices().erase(voice.id);
    log(Level::info, "own voice withdrawn", {{"voice", voice.id}});
  });
  for (const std::string& prefix : blobs) context.blobs.remove_all(prefix);
  return empty_response();
}

// ---- consent ----

Response post_phrase(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  JsonBody body(request, {"language", "agreed"});
  const std::string language = body.optional_text("language", 2, 12).value_or(phrase_languages().front());
  const auto known = phrase_languages();
  if (std::find(known.begin(), known.end(), language) == known.end())
    fail_field("language", fmt::format("there are phrases in {} only.", fmt::join(known, ", ")));
  if (!body.flag("agreed")) fail_field("agreed", "a voice is made only of who agrees to the terms.");
  const Config& config = context.config;
  if (config.consent_without_recogniser == "refuse" && !voxconv::has_recogniser())
    throw ServiceError(503, "no_recogniser", "Consents cannot be checked here at the moment; please come back later.");
  limit_rate(context, "phrase", account.id, phrases_per_day, day);
  const Seconds now = context.clock.now();
  Consent consent;
  consent.id = new_id();
  consent.account = account.id;
  const Phrase phrase = make_phrase(language);
  consent.phrase = phrase.text;
  consent.language = phrase.language;
  consent.asked = now;
  consent.expires = now + config.consent_valid_s;
  consent.terms = own_voice_terms(config);
  consent.royalty_permille = config.voice_royalty_permille;
  context.store.write([&](Transaction& transaction) {
    const OwnVoice voice = own_voice(transaction, account, request.params.at("id"));
    if (voice.state != VoiceState::draft) throw ServiceError(409, "wrong_step", "The consent to this voice was given already.");
    const Gathered all = gathered(transaction, voice.id);
    if (!all.all_ready) throw ServiceError(409, "not_ready", "Some recordings are not looked at yet; wait a moment.");
    if (all.usable_s < config.own_voice_s)
      throw ServiceError(
          409, "too_little",
          fmt::format("There are {:.0f} seconds of singing or speech so far, and a voice needs {:.0f}.", all.usable_s, config.own_voice_s));
    voice_steps::end_open_consents(transaction, voice.id, "Another phrase was asked for.", now);
    consent.voice = voice.id;
    transaction.voices().add_consent(consent);
  });
  return json_response(201, view(consent));
}

Response delete_consent(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  return changed(context, request, account, [](Transaction& transaction, OwnVoice& voice) { voice_steps::reopen(transaction, voice); });
}

// ---- training and use ----

Response post_training(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Config& config = context.config;
  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::train;
  job.price = config.training_credits;
  job.priority = training_priority;
  job.created = context.clock.now();
  double usable_s = 0;
  context.store.read([&](Transaction& transaction) {
    usable_s = gathered(transaction, own_voice(transaction, account, request.params.at("id")).id).usable_s;
  });
  context.disk.require(training_bytes + std::int64_t(usable_s) * training_bytes_per_s);
  json answer;
  context.store.write([&](Transaction& transaction) {
    OwnVoice voice = own_voice(transaction, account, request.params.at("id"));
    if (const auto before = training_of(transaction, voice)) {  // pressed twice
      answer = job_view(transaction, *before);
      return;
    }
    for (const OwnVoice& other : transaction.voices().list(account.id))
      if (other.state == VoiceState::training)
        throw ServiceError(409, "training", fmt::format("\"{}\" is being trained; one voice at a time.", other.title));
    if (gathered(transaction, voice.id).usable_s < config.own_voice_s)
      throw ServiceError(409, "too_little", "Recordings of this voice were deleted; there is too little left to train it.");
    if (!transaction.accounts().within_limit("training", account.id, config.trainings_per_day, day, job.created))
      throw ServiceError(429, "too_many_trainings",
                         fmt::format("{} trainings a day are the most; please come back tomorrow.", config.trainings_per_day));
    voice_steps::begin_training(transaction, voice);
    job.voice = voice.id;
    job.parameters = json{{"title", voice.title}}.dump(-1, ' ', false, json::error_handler_t::replace);
    add_paid_job(transaction, job);
    answer = job_view(transaction, job);
  });
  return json_response(201, answer);
}

Response post_access(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const std::string access = JsonBody(request, {"access"}).text("access", 1, 12);
  if (access != "private" && access != "link" && access != "published") fail_field("access", "this is private, link or published.");
  return changed(context, request, account, [&](Transaction& transaction, OwnVoice& voice) {
    if (!voice.hidden.empty() && access != "private")
      throw ServiceError(403, "hidden", "An operator has closed this voice: " + voice.hidden);
    if (access == "private")
      voice_steps::open_to_owner(transaction, voice);
    else if (access == "link")
      voice_steps::open_by_link(transaction, voice);
    else
      voice_steps::ask_for_review(transaction, voice);
  });
}

}  // namespace

std::string own_voice_terms(const Config& config) {
  return fmt::format(
      "The voice in my recordings is my own, and I may decide about it. This service may make a synthetic singing voice from them and keep "
      "it until I withdraw it. Only I can convert with it unless I open it: by a link, to whoever has that link, or published, to "
      "everybody "
      "here, after a person has looked at it. Songs made with it are marked as AI-converted; those that others made stay theirs when I "
      "withdraw it. Of what others paid for the credits that they spend on conversions with my published voice I get {:g} %. I can "
      "withdraw "
      "it at any time: then no conversion with it begins any more, and the voice and my recordings are deleted. What I agreed to, the "
      "phrase I spoke and "
      "how it was checked are kept with my account.",
      config.voice_royalty_permille / 10.0);
}

json own_voice_config(const Config& config) {
  if (config.max_own_voices == 0) return nullptr;
  return {{"most", config.max_own_voices},
          {"needed_s", config.own_voice_s},
          {"training_credits", config.training_credits},
          {"royalty_permille", config.voice_royalty_permille},
          {"phrase_languages", phrase_languages()},
          {"terms", own_voice_terms(config)}};
}

void add_own_voice_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/own-voices", list_own_voices);
  add_route(router, context, Method::post, "/own-voices", post_own_voice);
  add_route(router, context, Method::get, "/own-voices/{id}", get_own_voice);
  add_route(router, context, Method::patch, "/own-voices/{id}", patch_own_voice);
  add_route(router, context, Method::del, "/own-voices/{id}", delete_own_voice);
  add_route(router, context, Method::post, "/own-voices/{id}/phrases", post_phrase);
  add_route(router, context, Method::del, "/own-voices/{id}/consent", delete_consent);
  add_route(router, context, Method::post, "/own-voices/{id}/training", post_training);
  add_route(router, context, Method::post, "/own-voices/{id}/access", post_access);
}

}  // namespace webwrap
