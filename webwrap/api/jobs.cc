#include "api/jobs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/voices.h"
#include "domain/error.h"
#include "domain/id.h"
#include "store/job_end.h"
#include "store/records.h"
#include "voxconv/error.h"
#include "voxconv/f0.h"
#include "voxconv/key.h"
#include "voxconv/options.h"

namespace webwrap {
namespace {

constexpr double rounding_s = 0.5;  ///< clients round the end of a recording

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_jobs = 200;
constexpr std::size_t max_request_key = 200;

Response post_quote(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  JsonBody body(request, {"recording", "voice", "start_s", "end_s", "preview", "keep_music"});
  const ConversionRequest conversion = read_conversion_request(context, account, body);
  Credits balance = 0;
  context.store.read([&](Transaction& transaction) { balance = transaction.ledger().balance(user_account(account.id)); });
  const bool may_pay = account.kind == AccountKind::member && !account.frozen && balance >= conversion.price;
  const Recording& source = conversion.recording;
  const int key = voxconv::choose_key({source.f0_low, source.f0_median, source.f0_high}, conversion.voice);
  return json_response(200, {{"seconds", conversion.seconds()},
                             {"price", conversion.price},
                             {"separation", conversion.separation},
                             {"keep_music", conversion.keep_music},
                             {"balance", balance},
                             {"enough", conversion.preview || may_pay},
                             {"suggested_key", key}});
}

std::string stem(const std::string& file_name) {
  const auto dot = file_name.rfind('.');
  return dot == std::string::npos || dot == 0 ? file_name : file_name.substr(0, dot);
}

std::string request_key_of(const Request& request) {
  const std::string key = request.header("idempotency-key");
  if (key.empty()) return {};
  for (const char c : key)
    if (c <= ' ' || c > '~') fail_field("Idempotency-Key", "use letters, digits and signs of ASCII, without spaces.");
  if (key.size() > max_request_key) fail_field("Idempotency-Key", fmt::format("use at most {} characters.", max_request_key));
  return "client:" + key;
}

/// Everything that may forbid the job now, and then the job with its reserve: all in one transaction.
void accept(Transaction& transaction, const Context& context, const Request& request, const Account& account, bool preview,
            const Job& job) {
  const Config& config = context.config;
  const auto recording = transaction.recordings().find(job.recording);
  if (!recording || recording->account != account.id) fail_field("recording", "there is no such recording of yours.");
  if (job.kind == Job::Kind::convert && !is_open_voice(transaction, account.id, job.voice))
    fail_field("voice", "there is no such voice any more; GET /api/v1/voices lists them.");
  if (transaction.jobs().active_count(account.id) >= config.max_active_jobs)
    throw ServiceError(409, "too_many_jobs",
                       fmt::format("{} of your songs are waiting or being made; wait until one is done.", config.max_active_jobs));
  if (preview) {
    const auto within = [&](const char* what, const std::string& who, int limit) {
      return transaction.accounts().within_limit(what, who, limit, day, job.created);
    };
    if (!within("preview", account.id, config.previews_per_day))
      throw ServiceError(429, "too_many_previews",
                         fmt::format("There are {} free previews a day; please come back tomorrow.", config.previews_per_day));
    if (!within("preview_address", address_of(request), config.address_previews_per_day))
      throw ServiceError(429, "too_many_previews",
                         "Many free previews were made from your network today; please come back tomorrow, or sign up.");
    transaction.jobs().add(job);
  } else {
    add_paid_job(transaction, job);
  }
}

Response post_job(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  JsonBody body(request, {"recording", "voice", "title", "start_s", "end_s", "preview", "keep_music", "options"});
  const std::string request_key = request_key_of(request);
  const ConversionRequest conversion = read_conversion_request(context, account, body);
  if (!conversion.preview && account.kind == AccountKind::guest)
    throw ServiceError(403, "members_only", "Without an account there are previews only; sign up to convert whole songs.");
  const std::string title = body.optional_text("title", 1, 120).value_or("");

  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::convert;
  job.recording = conversion.recording.id;
  job.song = new_id();
  job.voice = conversion.voice.name;
  job.price = conversion.price;
  job.priority = conversion.preview ? free_priority : paid_priority;
  job.request_key = request_key;
  job.created = context.clock.now();
  const json options = read_options(body.object("options"));
  if (conversion.keep_music && !options.at("key_auto") && std::fmod(options.at("key").get<double>(), 12) != 0)
    fail_field("options.key", "with its music a song keeps its key: use whole octaves (-12, 0, 12 ...), or set keep_music to false.");
  json parameters = {{"options", options},
                     {"start_s", conversion.start_s},
                     {"end_s", conversion.end_s},
                     {"title", title.empty() ? stem(conversion.recording.name) : title},
                     {"preview", conversion.preview},
                     {"keep_music", conversion.keep_music}};
  if (conversion.is_members_voice) parameters["voice_title"] = conversion.voice.title;
  job.parameters = parameters.dump(-1, ' ', false, json::error_handler_t::replace);
  json answer;
  context.store.write([&](Transaction& transaction) {
    const auto before = request_key.empty() ? std::nullopt : transaction.jobs().find_by_request(account.id, request_key);
    if (before && (before->parameters != job.parameters || before->recording != job.recording || before->voice != job.voice))
      throw ServiceError(422, "request_key_reused", "This Idempotency-Key was used for another job; take a new one for a new job.");
    if (!before) accept(transaction, context, request, account, conversion.preview, job);
    answer = job_view(transaction, before.value_or(job));
  });
  return json_response(201, answer);
}

/// Takes a whole recording apart, for who wants to sing to its music. Asked for again, it is the same job.
Response post_separation(const Context& context, const Request& request) {
  const Account account = require_member(context, request);
  const Recording recording = require_ready_recording(context, account, request.params.at("id"));
  if (recording.has_stems(0, recording.duration_s)) throw ServiceError(409, "separated", "The music of this recording is there already.");
  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::separate;
  job.recording = recording.id;
  job.price = price_of(recording.duration_s, context.config.separation_credits_per_minute);
  job.request_key = "separate:" + recording.id;
  job.created = context.clock.now();
  job.parameters = json{{"start_s", 0}, {"end_s", recording.duration_s}, {"title", stem(recording.name)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  context.store.write([&](Transaction& transaction) {
    const auto before = transaction.jobs().find_by_request(account.id, job.request_key);
    if (before && (before->state == Job::State::queued || before->state == Job::State::running)) {
      job = *before;
      return;
    }
    if (before) transaction.jobs().forget_request(before->id);
    accept(transaction, context, request, account, false, job);
  });
  json answer;
  context.store.read([&](Transaction& transaction) { answer = job_view(transaction, job); });
  return json_response(201, answer);
}

Response list_jobs(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  return list_response(context, [&](Transaction& transaction, json& list) {
    for (const Job& job : transaction.jobs().list(account.id, max_jobs)) list.push_back(job_view(transaction, job));
  });
}

Job find_job(Transaction& transaction, const Account& account, const Request& request) {
  return owned(transaction.jobs().find(request.params.at("id")), account, "no_such_job", "There is no such job.");
}

/// Asked again and again while a job is on its way: an unchanged one is answered by 304 without a body.
Response get_job(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) { answer = job_view(transaction, find_job(transaction, account, request)); });
  return tagged_response(request, answer);
}

Response delete_job(const Context& context, const Request& request) {
  const Account account = require_account(context, request);
  json answer;
  std::string upload;  // of a picture for which no worker will come
  context.store.write([&](Transaction& transaction) {
    const Job job = find_job(transaction, account, request);
    if (job.kind == Job::Kind::analyse)
      throw ServiceError(409, "not_cancellable", "A recording is being looked at; delete the recording to stop that.");
    if (job.kind == Job::Kind::publish)
      throw ServiceError(409, "not_cancellable",
                         "What is on its way to another platform cannot be called back; take it down once it is there.");
    cancel_job(transaction, job, context.clock.now());
    if (job.kind == Job::Kind::picture && job.state == Job::State::queued) upload = json::parse(job.parameters).at("upload");
    answer = job_view(transaction, find_job(transaction, account, request));
  });
  if (!upload.empty()) context.blobs.remove(upload);
  return json_response(202, answer);
}

}  // namespace

nlohmann::json job_view(Transaction& transaction, const Job& job) {
  return {{"id", job.id},
          {"kind", name_of(job.kind)},
          {"state", name_of(job.state)},
          {"progress", job.progress},
          {"stage", job.stage},
          {"position", transaction.jobs().position(job)},
          {"price", job.price},
          {"failure", or_null(job.failure)},
          {"recording", or_null(job.recording)},
          {"song", job.kind == Job::Kind::convert && job.state != Job::State::done ? nlohmann::json() : or_null(job.song)},
          {"voice", or_null(job.voice)},
          {"created", job.created},
          {"started", or_null(job.started)},
          {"finished", or_null(job.finished)}};
}

void add_paid_job(Transaction& transaction, const Job& job) {
  const auto payer = transaction.accounts().find(job.account);
  if (!payer) throw ServiceError(401, "not_signed_in", "This account has been deleted.");
  if (payer->frozen)
    throw ServiceError(403, "account_frozen", "A payment of this account is disputed; credits cannot be spent until that is settled.");
  const Credits balance = transaction.ledger().balance(user_account(job.account));
  if (balance < job.price)
    throw ServiceError(402, "not_enough_credits", fmt::format("This costs {} credits, and you have {}.", job.price, balance));
  transaction.jobs().add(job);
  if (job.price == 0) return;
  LedgerEntry reserve = reserve_entry(job.account, job.id, job.price);
  reserve.time = job.created;
  transaction.ledger().post(reserve);
}

bool is_server_side(const voxconv::OptionSpec& spec) { return spec.kind == voxconv::OptionSpec::Kind::path || spec.local; }

ConversionRequest read_conversion_request(const Context& context, const Account& account, JsonBody& body) {
  ConversionRequest conversion;
  std::optional<Recording> recording, backing;
  const std::string id = body.text("recording", 1, 64);
  context.store.read([&](Transaction& transaction) {
    recording = transaction.recordings().find(id);
    if (recording && !recording->backing.empty()) backing = transaction.recordings().find(recording->backing);
  });
  if (!recording || recording->account != account.id) fail_field("recording", "there is no such recording of yours.");
  if (recording->state == Recording::State::failed) fail_field("recording", recording->failure);
  if (recording->state != Recording::State::ready) fail_not_ready();
  conversion.recording = *recording;

  const auto voice = find_voice(context, &account, body.text("voice", 1, 64));
  if (!voice) fail_field("voice", "there is no such voice; GET /api/v1/voices lists them.");
  conversion.voice = voice->info;
  conversion.is_members_voice = voice->own.has_value();

  const double whole = recording->duration_s;
  conversion.preview = body.optional_flag("preview").value_or(false);
  conversion.start_s = body.optional_number("start_s", 0, whole).value_or(0);
  conversion.end_s = std::min(whole, body.optional_number("end_s", 0, whole + rounding_s).value_or(whole));
  if (conversion.seconds() < std::min(Recording::shortest_s, whole))
    fail_field("end_s",
               fmt::format("the part from {:.2f} to {:.2f} s is shorter than half a second.", conversion.start_s, conversion.end_s));
  if (conversion.preview) conversion.end_s = std::min(conversion.end_s, conversion.start_s + context.config.preview_s);
  const bool is_take = !recording->backing.empty();
  conversion.keep_music =
      body.optional_flag("keep_music").value_or(is_take ? backing.has_value() : recording->has_music && recording->has_vocals);
  if (conversion.keep_music && is_take && !backing)
    fail_field("keep_music", "the song that this was sung to has been deleted, so its music is gone; set it to false.");
  if (conversion.preview) return conversion;
  const Config& config = context.config;
  // A take's music was paid for when the singer got it to sing to.
  if (conversion.keep_music && !is_take && !recording->has_stems(conversion.start_s, conversion.end_s))
    conversion.separation = price_of(conversion.seconds(), config.separation_credits_per_minute);
  conversion.price = price_of(conversion.seconds(), config.credits_per_minute) + conversion.separation;
  return conversion;
}

nlohmann::json read_options(const nlohmann::json& wanted) {
  const auto& table = voxconv::convert_option_table();
  for (const voxconv::OptionSpec& spec : table)
    if (is_server_side(spec) && wanted.contains(spec.name)) fail_field(fmt::format("options.{}", spec.name), "this cannot be chosen here.");
  if (const auto f0 = wanted.find("f0"); f0 != wanted.end() && f0->is_string()) {
    const auto all = voxconv::f0_estimators(), here = voxconv::installed_f0_estimators();
    const auto has = [&](const auto& names) { return std::find(names.begin(), names.end(), f0->get<std::string>()) != names.end(); };
    if (has(all) && !has(here))
      fail_field("options.f0", fmt::format("this is not installed here; choose one of {}.", fmt::join(here, ", ")));
  }
  try {
    auto options = nlohmann::json::parse(voxconv::ConvertOptions::from_json(wanted.dump()).to_json());
    for (const voxconv::OptionSpec& spec : table)
      if (is_server_side(spec)) options.erase(std::string(spec.name));
    return options;
  } catch (const voxconv::Error& error) {
    fail_field("options", error.what());
  }
}

void add_job_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::post, "/quotes", post_quote);
  add_route(router, context, Method::post, "/jobs", post_job);
  add_route(router, context, Method::post, "/recordings/{id}/separation", post_separation);
  add_route(router, context, Method::get, "/jobs", list_jobs);
  add_route(router, context, Method::get, "/jobs/{id}", get_job);
  add_route(router, context, Method::del, "/jobs/{id}", delete_job);
}

}  // namespace webwrap
