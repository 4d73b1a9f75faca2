#include "api/auth.h"
#include "api/handlers.h"
#include "store/job_end.h"
#include "store/records.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_listed = 500;

json view(const Recording& recording) {
  return {{"id", recording.id},
          {"name", recording.name},
          {"state", name_of(recording.state)},
          {"failure", or_null(recording.failure)},
          {"duration_s", recording.duration_s},
          {"f0_low", recording.f0_low},
          {"f0_median", recording.f0_median},
          {"f0_high", recording.f0_high},
          {"size", recording.size},
          {"offset", recording.offset},
          {"created", recording.created}};
}

Recording require_ready(const Context& context, const Request& request) {
  Recording recording = require_recording(context, require_account(context, request), request.params.at("id"));
  if (recording.state != Recording::State::ready)
    throw ServiceError(409, "not_ready", "This recording has not been looked at yet; try again when its state is ready.");
  return recording;
}

Response list_recordings(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  json answer = json::array();
  context.store.read([&](Transaction& transaction) {
    for (const Recording& recording : transaction.recordings().list(account.id, max_listed)) answer.push_back(view(recording));
  });
  return json_response(200, answer);
}

Response get_recording(const Context& context, const Request& request) {
  return json_response(200, view(require_recording(context, require_account(context, request), request.params.at("id"))));
}

/// With what is being made of it; songs that are made stay, they have their own copy.
Response delete_recording(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  const Id id = request.params.at("id");
  require_recording(context, account, id);
  erase_with_blobs(context, "recordings/" + id + "/", [&](Transaction& transaction) {
    owned(transaction.recordings().find(id), account, "no_such_recording", "There is no such recording.");
    for (const Job& job : transaction.jobs().list(account.id, max_listed))
      if (job.recording == id) cancel_job(transaction, job, context.clock.now());
    transaction.recordings().erase(id);
  });
  return empty_response();
}

Response get_audio(const Context& context, const Request& request) { return audio_response(require_ready(context, request).playable); }

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
