#include "api/auth.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "store/job_end.h"
#include "store/records.h"
#include "store/voice_steps.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_listed = 500;

json view(Transaction& transaction, const Recording& recording) {
  json stems, backing;
  if (!recording.vocals.empty())
    stems = {{"start_s", recording.stems_start_s}, {"end_s", recording.stems_end_s}, {"bytes", recording.stems_bytes}};
  if (!recording.backing.empty() && transaction.recordings().find(recording.backing))
    backing = {
        {"recording", recording.backing}, {"start_s", recording.backing_start_s}, {"part", recording.backing_whole ? "all" : "music"}};
  return {{"id", recording.id},
          {"name", recording.name},
          {"state", name_of(recording.state)},
          {"failure", or_null(recording.failure)},
          {"duration_s", recording.duration_s},
          {"f0_low", recording.f0_low},
          {"f0_median", recording.f0_median},
          {"f0_high", recording.f0_high},
          {"has_music", recording.has_music},
          {"has_vocals", recording.has_vocals},
          {"stems", stems},
          {"backing", backing},
          {"voice", or_null(recording.voice)},
          {"size", recording.size},
          {"offset", recording.offset},
          {"created", recording.created}};
}

Recording require_ready(const Context& context, const Request& request) {
  return require_ready_recording(context, require_account(context, request), request.params.at("id"));
}

Response list_recordings(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Recording& recording : transaction.recordings().list(account.id, max_listed)) list.push_back(view(transaction, recording));
  });
}

Response get_recording(const Context& context, const Request& request) {
  const Recording recording = require_recording(context, require_account(context, request), request.params.at("id"));
  json answer;
  context.store.read([&](Transaction& transaction) { answer = view(transaction, recording); });
  return json_response(200, answer);
}

/// What a consent was compared with stays until the voice is made, and until an operator has seen to it.
void require_not_consented(Transaction& transaction, const Recording& recording) {
  const auto voice = recording.voice.empty() ? std::nullopt : transaction.voices().find(recording.voice);
  if (!voice || voice->state == OwnVoice::State::draft) return;
  throw ServiceError(409, "in_use",
                     "This belongs to your voice \"" + voice->title + "\", which you consented to with it; it goes when that voice does.");
}

/// With what is being made of it; songs that are made stay, they have their own copy.
Response delete_recording(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  const Id id = request.params.at("id");
  require_recording(context, account, id);
  erase_with_blobs(context, "recordings/" + id + "/", [&](Transaction& transaction) {
    const Recording recording = owned(transaction.recordings().find(id), account, "no_such_recording", "There is no such recording.");
    require_not_consented(transaction, recording);
    if (!recording.voice.empty())
      voice_steps::end_open_consents(transaction, recording.voice, "A recording was deleted; ask for a new phrase.", context.clock.now());
    for (const Job& job : transaction.jobs().list(account.id, max_listed))
      if (job.recording == id) cancel_job(transaction, job, context.clock.now());
    transaction.recordings().erase(id);
  });
  return empty_response();
}

Response get_audio(const Context& context, const Request& request) {
  const Recording recording = require_ready(context, request);
  const std::string which = query_of(request, "which", "all");
  if (which == "all") return audio_response(recording.playable);
  if (which != "music") fail_field("which", "this is all or music.");
  if (recording.music.empty()) throw ServiceError(404, "not_separated", "This recording was not taken apart into vocals and music.");
  return audio_response(recording.music);
}

Response get_peaks(const Context& context, const Request& request) {
  const Recording recording = require_ready(context, request);
  Response response;
  response.body = context.blobs.read(recording.peaks, 0, context.blobs.size(recording.peaks));
  return response;
}

}  // namespace

void add_recording_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/recordings", list_recordings);
  add_route(router, context, Method::get, "/recordings/{id}", get_recording);
  add_route(router, context, Method::del, "/recordings/{id}", delete_recording);
  add_route(router, context, Method::get, "/recordings/{id}/audio", get_audio);
  add_route(router, context, Method::get, "/recordings/{id}/peaks", get_peaks);
}

}  // namespace webwrap
