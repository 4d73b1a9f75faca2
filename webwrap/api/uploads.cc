#include "api/uploads.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sodium.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/quick_jobs.h"
#include "api/voice_uploads.h"
#include "domain/id.h"
#include "domain/text.h"
#include "store/voice_steps.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t max_patch_bytes = 8 << 20;
constexpr std::size_t slice_bytes = 1 << 20;  // of a body in a file that is in memory at a time
constexpr std::size_t max_name_bytes = 200;
constexpr int uploads_per_hour = 60;

Response tus_response(int status) {
  Response response;
  response.status = status;
  response.type = "";
  response.headers.emplace_back("Tus-Resumable", "1.0.0");
  return response;
}

std::string http_date(Seconds time) { return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(time))); }

void check_version(const Request& request) {
  if (request.header("tus-resumable") != "1.0.0")
    throw ServiceError(412, "tus_version", "Uploads are taken by the tus protocol 1.0.0; send the header Tus-Resumable: 1.0.0.");
}

std::int64_t number_header(const Request& request, const std::string& name) {
  const std::string text = request.header(name);
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw ServiceError(400, "invalid", fmt::format("The header {} must be a whole number.", name));
  return value;
}

bool is_known_metadata(std::string_view name) {
  return name == "filename" || name == "backing" || name == "backing_start_s" || name == "backing_part" || name == "voice" ||
         name == "consent";
}

std::string decode_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t length = 0;
  if (::sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
    throw ServiceError(400, "invalid", "The header Upload-Metadata is no list of names and base64 values.");
  bytes.resize(length);
  return bytes;
}

/// An Upload-Metadata header ("filename dm9pY2UubXAz,filetype YXVkaW8=") as names and values.
std::map<std::string, std::string> metadata_of(std::string_view header) {
  std::map<std::string, std::string> all;
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view pair = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (const std::size_t space = pair.find(' '); space != pair.npos && is_known_metadata(pair.substr(0, space)))
      all[std::string(pair.substr(0, space))] = decode_base64(pair.substr(space + 1));
  }
  return all;
}

/// A file's name without folders and control characters.
std::string clean_name(std::string name) {
  if (const std::size_t slash = name.find_last_of("/\\"); slash != name.npos) name.erase(0, slash + 1);
  std::erase_if(name, is_control);
  if (name.size() > max_name_bytes) {
    std::size_t end = max_name_bytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;  // whole characters of UTF-8
    name.resize(end);
  }
  return name.empty() ? "recording" : name;
}

/// What was sung to another recording says to which (backing), from where on (backing_start_s), and what of it was heard (backing_part).
void read_backing(const Context& context, const Account& account, const std::map<std::string, std::string>& metadata,
                  Recording& recording) {
  const auto value = [&](const char* name) {
    const auto found = metadata.find(name);
    return found == metadata.end() ? std::string() : found->second;
  };
  recording.backing = value("backing");
  if (recording.backing.empty()) return;
  std::optional<Recording> backing;
  context.store.read([&](Transaction& transaction) { backing = transaction.recordings().find(recording.backing); });
  if (!backing || backing->account != account.id || backing->state != Recording::State::ready || !backing->backing.empty())
    throw ServiceError(422, "invalid", "backing: there is no such recording of yours to sing to.");
  const std::string start = value("backing_start_s"), part = value("backing_part");
  const auto [end, error] = std::from_chars(start.data(), start.data() + start.size(), recording.backing_start_s);
  if (error != std::errc() || end != start.data() + start.size() ||
      !(recording.backing_start_s >= 0 && recording.backing_start_s <= backing->duration_s))
    throw ServiceError(422, "invalid", "backing_start_s: this lies outside of the recording that was sung to.");
  if (part != "music" && part != "all") throw ServiceError(422, "invalid", "backing_part: this is music or all.");
  recording.backing_whole = part == "all";
}

std::int64_t body_size(const Request& request) {
  return static_cast<std::int64_t>(request.body_file.empty() ? request.body.size() : std::filesystem::file_size(request.body_file));
}

/// Appends the request's body; the new size of the blob.
std::int64_t append_body(BlobStore& blobs, const std::string& key, std::int64_t offset, const Request& request) {
  if (request.body_file.empty()) return request.body.empty() ? offset : blobs.append(key, offset, request.body);
  std::ifstream file(request.body_file, std::ios::binary);
  if (!file) throw std::runtime_error(fmt::format("The body handed over in {} cannot be read.", request.body_file));
  std::string slice(slice_bytes, '\0');
  while (file.read(slice.data(), slice_bytes), file.gcount() > 0) {
    slice.resize(static_cast<std::size_t>(file.gcount()));
    offset = blobs.append(key, offset, slice);
    slice.resize(slice_bytes);
  }
  return offset;
}

/// The bytes that are there: what the blob says, since the process may have died before the database learned of the last ones.
std::int64_t received(BlobStore& blobs, const Recording& recording) {
  return recording.state == Recording::State::uploading ? std::max<std::int64_t>(0, blobs.size(recording.blob)) : recording.size;
}

/// Notes how far the upload has come; with the last byte the recording goes to the workers, in the same transaction. False: its owner has
/// too many jobs on their way, perhaps by uploads that ended at the same time; it is complete then, and goes on when it is asked for again.
[[nodiscard]] bool note_progress(const Context& context, Transaction& transaction, Recording& recording, std::int64_t offset) {
  recording.offset = offset;
  const bool complete = offset == recording.size, may = may_add_quick_job(context.config, transaction, recording.account);
  if (complete && may) {
    recording.state = Recording::State::analysing;
    recording.expires = 0;
    if (!recording.consent.empty()) note_spoken(context.config, transaction, recording, context.clock.now());
    Job job;
    job.id = new_id();
    job.account = recording.account;
    job.kind = Job::Kind::analyse;
    job.recording = recording.id;
    if (!recording.consent.empty()) job.parameters = R"({"consent":true})";
    job.priority = priority_of_quick_job(transaction, recording.account);
    job.created = context.clock.now();
    transaction.jobs().add(job);
  }
  transaction.recordings().update(recording);
  return !complete || may;
}

Recording require_upload(Transaction& transaction, const Account& account, const Id& id) {
  return owned(transaction.recordings().find(id), account, "no_such_upload", "There is no such upload; perhaps it expired.");
}

void add_progress_headers(const Context& context, Response& response, const Recording& recording) {
  response.headers.emplace_back("Upload-Offset", std::to_string(received(context.blobs, recording)));
  if (recording.state == Recording::State::uploading) response.headers.emplace_back("Upload-Expires", http_date(recording.expires));
}

Response describe(const Context& context, const Request&) {
  Response response = tus_response(204);
  response.headers.emplace_back("Tus-Version", "1.0.0");
  response.headers.emplace_back("Tus-Extension", "creation,expiration,termination");
  response.headers.emplace_back("Tus-Max-Size", std::to_string(context.config.max_upload_bytes));
  return response;
}

Response create(const Context& context, const Request& request) {
  check_version(request);
  const Account account = require_account(context, request);
  const Config& config = context.config;
  Recording recording;
  recording.size = number_header(request, "upload-length");
  if (recording.size == 0) throw ServiceError(422, "empty", "The file is empty.");
  const bool guest = account.kind == AccountKind::guest;
  const std::int64_t limit = guest ? config.guest_max_upload_bytes() : config.max_upload_bytes;
  if (recording.size > limit)
    throw ServiceError(413, "too_large",
                       fmt::format("The file has {:.1f} MB; {} may be {:.1f} MB at most.", static_cast<double>(recording.size) / 1e6,
                                   guest ? "without an account it" : "it", static_cast<double>(limit) / 1e6));
  limit_rate(context, "upload", account.id, uploads_per_hour, 3600);
  context.disk.require(recording.size);
  recording.id = new_id();
  recording.account = account.id;
  const auto metadata = metadata_of(request.header("upload-metadata"));
  recording.name = clean_name(metadata.contains("filename") ? metadata.at("filename") : "");
  read_backing(context, account, metadata, recording);
  read_voice_of_upload(metadata, recording);
  recording.blob = "recordings/" + recording.id + "/source";
  recording.created = context.clock.now();
  recording.expires = recording.created + config.upload_expires_s;
  const std::int64_t quota = guest ? config.guest_quota_bytes : config.quota_bytes;
  context.store.write([&](Transaction& transaction) {
    require_voice_of_upload(transaction, recording, recording.created);
    if (!may_add_quick_job(config, transaction, account.id)) fail_too_many_quick_jobs(config);  // its own analysis would be one more
    if (transaction.recordings().bytes_of(account.id) + transaction.voices().bytes_of(account.id) + recording.size > quota)
      throw ServiceError(413, "quota_exceeded",
                         fmt::format("Your recordings would take more than the {:.1f} GB there are for each {}; delete some first.",
                                     static_cast<double>(quota) / 1e9, guest ? "guest" : "account"));
    if (!recording.voice.empty() && recording.consent.empty())
      voice_steps::end_open_consents(transaction, recording.voice, "Another recording was added; ask for a new phrase.", recording.created);
    transaction.recordings().add(recording);
  });
  Response response = tus_response(201);
  response.headers.emplace_back("Location", "/api/v1/uploads/" + recording.id);
  add_progress_headers(context, response, recording);
  return response;
}

Response look(const Context& context, const Request& request) {
  check_version(request);
  const Account account = require_account(context, request);
  Recording recording;
  context.store.read([&](Transaction& transaction) { recording = require_upload(transaction, account, request.params.at("id")); });
  if (recording.state == Recording::State::uploading && received(context.blobs, recording) == recording.size) {
    bool noted = true;
    context.store.write([&](Transaction& transaction) {
      recording = require_upload(transaction, account, recording.id);
      if (recording.state == Recording::State::uploading) noted = note_progress(context, transaction, recording, recording.size);
    });
    if (!noted) fail_too_many_quick_jobs(context.config);
  }
  Response response = tus_response(200);
  response.headers.emplace_back("Upload-Length", std::to_string(recording.size));
  add_progress_headers(context, response, recording);
  return response;
}

Response append(const Context& context, const Request& request) {
  check_version(request);
  const Account account = require_account(context, request);
  if (request.header("content-type") != "application/offset+octet-stream")
    throw ServiceError(415, "content_type", "Parts of an upload are sent as application/offset+octet-stream.");
  const std::int64_t offset = number_header(request, "upload-offset"), size = body_size(request);
  Recording recording;
  context.store.read([&](Transaction& transaction) { recording = require_upload(transaction, account, request.params.at("id")); });
  const Seconds now = context.clock.now();
  const std::int64_t there = received(context.blobs, recording);
  if (recording.state == Recording::State::uploading && now >= recording.expires && there < recording.size)
    throw ServiceError(410, "upload_expired", "This upload was not finished in time; start it again.");
  if (offset != there)
    throw ServiceError(409, "wrong_offset", fmt::format("The upload has {} bytes, but this part starts at {}.", there, offset));
  if (size > recording.size - offset)
    throw ServiceError(413, "too_large", fmt::format("This part goes past the end of the upload, which has {} bytes.", recording.size));
  if (recording.state == Recording::State::uploading && size == recording.size - offset)  // refused before its last bytes are taken
    context.store.read([&](Transaction& transaction) {
      if (!may_add_quick_job(context.config, transaction, account.id)) fail_too_many_quick_jobs(context.config);
    });
  context.disk.require(size);
  const std::int64_t reached = append_body(context.blobs, recording.blob, offset, request);
  bool gone = false, noted = true;
  context.store.write([&](Transaction& transaction) {
    const auto current = transaction.recordings().find(recording.id);
    gone = !current;
    if (gone) return;
    recording = *current;
    if (recording.state != Recording::State::uploading) return;
    recording.expires = now + context.config.upload_expires_s;
    noted = note_progress(context, transaction, recording, reached);
  });
  if (!noted) fail_too_many_quick_jobs(context.config);
  if (gone) {  // deleted meanwhile
    context.blobs.remove_all("recordings/" + recording.id + "/");
    throw ServiceError(404, "no_such_upload", "There is no such upload; it was deleted.");
  }
  Response response = tus_response(204);
  add_progress_headers(context, response, recording);
  return response;
}

Response terminate(const Context& context, const Request& request) {
  check_version(request);
  const Account account = require_account(context, request);
  const Id id = request.params.at("id");
  context.store.read([&](Transaction& transaction) { require_upload(transaction, account, id); });
  erase_with_blobs(context, "recordings/" + id + "/", [&](Transaction& transaction) {
    if (require_upload(transaction, account, id).state != Recording::State::uploading)
      throw ServiceError(409, "upload_finished", "This upload is finished; delete the recording instead.");
    transaction.recordings().erase(id);
  });
  return tus_response(204);
}

}  // namespace

int clean_up_uploads(const Context& context) {
  const Clock& clock = context.clock;
  std::vector<Recording> expired;
  context.store.read([&](Transaction& transaction) { expired = transaction.recordings().expired(clock.now()); });
  int removed = 0;
  for (const Recording& candidate : expired) {
    bool erased = false;
    context.store.write([&](Transaction& transaction) {
      auto recording = transaction.recordings().find(candidate.id);
      if (!recording || recording->state != Recording::State::uploading || clock.now() < recording->expires) return;
      if (received(context.blobs, *recording) == recording->size) {
        (void)note_progress(context, transaction, *recording, recording->size);  // else the next time
      } else {
        transaction.recordings().erase(recording->id);
        erased = true;
      }
    });
    if (!erased) continue;
    context.blobs.remove_all("recordings/" + candidate.id + "/");
    ++removed;
  }
  return removed;
}

void add_upload_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::options, "/uploads", describe);
  add_route(router, context, Method::post, "/uploads", create);
  add_route(router, context, Method::head, "/uploads/{id}", look);
  add_route(router, context, Method::del, "/uploads/{id}", terminate);
  add_route(router, context, Method::patch, "/uploads/{id}", append, max_patch_bytes);
}

}  // namespace webwrap
