#include "api/pictures.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "api/handlers.h"
#include "api/jobs.h"
#include "api/json_body.h"
#include "domain/id.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_cover_bytes = 20 << 20;
constexpr int cover_pictures_per_hour = 60;

/// What a picture belongs to: a song or a release of the account.
struct Owner {
  Id id, account;
  std::string folder;  ///< of its blobs
};

enum class OwnerKind { song, release };

Owner require_owner(const Context& context, const Request& request, OwnerKind kind) {
  const Account account = require_member(context, request);
  const Id id = request.params.at("id");
  if (kind == OwnerKind::song) return {require_song(context, account, id).id, account.id, "songs/" + id + "/picture"};
  std::optional<Release> found;
  context.store.read([&](Transaction& transaction) { found = transaction.releases().find(id); });
  owned(std::move(found), account, "no_such_release", "There is no such release.");
  return {id, account.id, "releases/" + id + "/picture"};
}

std::string picture_bytes(const Request& request) {
  if (request.body_file.empty()) return request.body;
  std::ifstream file(request.body_file, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Only keeps the file: a worker looks at it, as at all that comes from outside.
Response put_cover_picture(const Context& context, const Request& request, OwnerKind kind) {
  const Owner owner = require_owner(context, request, kind);
  const std::string type = request.header("content-type");
  if (type != "image/jpeg" && type != "image/png") throw ServiceError(415, "content_type", "A picture is sent as image/jpeg or image/png.");
  limit_rate(context, "picture", owner.account, cover_pictures_per_hour, 3600);
  const std::string bytes = picture_bytes(request);
  if (!bytes.starts_with("\xff\xd8\xff") && !bytes.starts_with("\x89PNG\r\n\x1a\n"))
    throw ServiceError(422, "no_picture", "This is no JPEG or PNG picture.");
  context.disk.require(std::int64_t(bytes.size()) * 2);
  Job job;
  job.id = new_id();
  job.account = owner.account;
  job.kind = Job::Kind::picture;
  job.song = kind == OwnerKind::song ? owner.id : "";
  job.created = context.clock.now();
  const std::string upload = fmt::format("{}/upload-{}", owner.folder, job.id);
  job.parameters = json{{"owner", owner.id}, {"folder", owner.folder}, {"upload", upload}}.dump();
  context.blobs.put(upload, bytes);
  try {
    context.store.write([&](Transaction& transaction) { add_quick_job(context, transaction, job, true); });
  } catch (...) {
    context.blobs.remove(upload);
    throw;
  }
  return json_response(202, quick_job_view(job, ""));
}

std::optional<Picture> find_picture(const Context& context, const Id& owner) {
  std::optional<Picture> picture;
  context.store.read([&](Transaction& transaction) { picture = transaction.releases().picture_of(owner); });
  return picture;
}

Response get_cover_picture(const Context& context, const Request& request, OwnerKind kind) {
  const auto picture = find_picture(context, require_owner(context, request, kind).id);
  if (!picture) throw ServiceError(404, "no_picture", "There is no picture.");
  const std::string size = query_of(request, "size", "full");
  if (size != "small" && size != "full") fail_field("size", "this is small or full.");
  return audio_response(size == "small" ? picture->small : picture->blob, "image/jpeg");
}

Response delete_cover_picture(const Context& context, const Request& request, OwnerKind kind) {
  const Owner owner = require_owner(context, request, kind);
  erase_with_blobs(context, owner.folder + "/", [&](Transaction& transaction) { transaction.releases().erase_picture(owner.id); });
  return empty_response();
}

}  // namespace

json picture_view(const std::optional<Picture>& picture, const std::string& path) {
  if (!picture) return nullptr;
  return {{"width", picture->width},
          {"height", picture->height},
          {"url", fmt::format("/api/v1{}/picture", path)},
          {"created", picture->created}};
}

json quick_job_view(const Job& job, const std::string& file_path) {
  const bool done = job.state == Job::State::done;
  return {{"id", job.id},
          {"state", name_of(job.state)},
          {"progress", job.progress},
          {"failure", or_null(job.failure)},
          {"url", done && !file_path.empty() ? json("/api/v1" + file_path) : json()}};
}

void add_quick_job(const Context& context, Transaction& transaction, Job& job, bool at_once) {
  if (!may_add_quick_job(context.config, transaction, job.account)) fail_too_many_quick_jobs(context.config);
  job.priority = at_once ? priority_of_quick_job(transaction, job.account) : free_priority;
  transaction.jobs().add(job);
}

void add_picture_routes(http::Router& router, Context& context) {
  for (const auto& [path, kind] :
       {std::pair{"/songs/{id}/picture", OwnerKind::song}, std::pair{"/releases/{id}/picture", OwnerKind::release}}) {
    const auto with_kind = [kind = kind](auto handler) {
      return [kind, handler](const Context& with, const Request& request) { return handler(with, request, kind); };
    };
    add_route(router, context, Method::put, path, with_kind(put_cover_picture), max_cover_bytes);
    add_route(router, context, Method::get, path, with_kind(get_cover_picture));
    add_route(router, context, Method::del, path, with_kind(delete_cover_picture));
  }
}

}  // namespace webwrap
