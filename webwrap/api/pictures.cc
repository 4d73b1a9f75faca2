#include "api/pictures.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <iterator>

#include "api/artists.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/quick_jobs.h"
#include "domain/id.h"
#include "store/job_end.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::size_t max_picture_bytes = 20 << 20;
constexpr int pictures_per_hour = 60;
constexpr int looked_at_jobs = 500;  // more than anyone has on their way

/// What a picture belongs to.
struct PictureOwner {
  Id id, account;
  std::string folder;  ///< of its blobs
};

enum class OwnerKind { song, release, artist };
constexpr std::array owner_kinds{"song", "release", "artist"};

/// Throws ServiceError(404) where the account has none such.
PictureOwner require_owner(Transaction& transaction, const Account& account, const Request& request, OwnerKind kind) {
  if (kind == OwnerKind::artist) {
    if (!transaction.artists().find(account.id)) fail_no_artist_page();
    return {account.id, account.id, "artists/" + account.id};
  }
  const Id id = request.params.at("id");
  if (kind == OwnerKind::song) {
    owned(transaction.songs().find(id), account, "no_such_song", "There is no such song.");
    return {id, account.id, "songs/" + id + "/picture"};
  }
  owned(transaction.releases().find(id), account, "no_such_release", "There is no such release.");
  return {id, account.id, "releases/" + id + "/picture"};
}

PictureOwner require_owner(const Context& context, const Account& account, const Request& request, OwnerKind kind) {
  PictureOwner owner;
  context.store.read([&](Transaction& transaction) { owner = require_owner(transaction, account, request, kind); });
  return owner;
}

std::string whole_body(const Request& request) {
  if (request.body_file.empty()) return request.body;
  std::ifstream file(request.body_file, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Pictures on their way to an owner do not come after they were removed, nor after a later one. Their uploads are for the caller to
/// remove.
std::vector<std::string> cancel_pictures(Transaction& transaction, const PictureOwner& owner, Seconds now) {
  std::vector<std::string> uploads;
  for (const Job& job : transaction.jobs().list(owner.account, looked_at_jobs)) {
    if (job.kind != Job::Kind::picture || (job.state != Job::State::queued && job.state != Job::State::running)) continue;
    const json parameters = json::parse(job.parameters);
    if (parameters.at("owner") != owner.id) continue;
    cancel_job(transaction, job, now);
    uploads.push_back(parameters.at("upload"));
  }
  return uploads;
}

/// Only keeps the file: a worker alone looks at it, as at all that comes from outside, and what that encodes anew is shown.
Response put_picture(const Context& context, const Request& request, OwnerKind kind) {
  const Account account = require_member(context, request);
  const PictureOwner owner = require_owner(context, account, request, kind);
  const std::string type = request.header("content-type");
  if (type != "image/jpeg" && type != "image/png" && type != "image/webp")
    throw ServiceError(415, "content_type", "A picture is sent as it is, with Content-Type image/jpeg, image/png or image/webp.");
  limit_rate(context, "picture", owner.account, pictures_per_hour, 3600);
  const std::string bytes = whole_body(request);
  if (bytes.empty()) throw ServiceError(422, "invalid", "The body is empty; it must be a picture.");
  context.disk.require(std::int64_t(bytes.size()) * 2);
  Job job;
  job.id = new_id();
  job.account = owner.account;
  job.kind = Job::Kind::picture;
  job.song = kind == OwnerKind::song ? owner.id : "";
  job.created = context.clock.now();
  const std::string upload = fmt::format("{}/upload/{}", owner.folder, job.id);
  job.parameters =
      json{{"of", owner_kinds.at(std::size_t(kind))}, {"owner", owner.id}, {"folder", owner.folder}, {"upload", upload}}.dump();
  context.blobs.put(upload, bytes);
  std::vector<std::string> earlier;
  try {
    context.store.write([&](Transaction& transaction) {
      require_owner(transaction, account, request, kind);  // deleted since, it would leave the upload in a folder that nobody removes
      earlier = cancel_pictures(transaction, owner, job.created);
      add_quick_job(context, transaction, job, true);
    });
  } catch (...) {
    context.blobs.remove(upload);
    throw;
  }
  for (const std::string& key : earlier) context.blobs.remove(key);
  return json_response(202, quick_job_view(job, ""));
}

std::optional<Picture> find_picture(const Context& context, const Id& owner) {
  std::optional<Picture> picture;
  context.store.read([&](Transaction& transaction) { picture = transaction.releases().picture_of(owner); });
  return picture;
}

Response get_cover(const Context& context, const Request& request, OwnerKind kind) {
  const auto picture = find_picture(context, require_owner(context, require_member(context, request), request, kind).id);
  if (!picture) throw ServiceError(404, "no_picture", "There is no picture.");
  const std::string size = query_of(request, "size", "full");
  if (size != "small" && size != "full") fail_field("size", "this is small or full.");
  return audio_response(size == "small" ? picture->small : picture->blob, "image/jpeg");
}

Response delete_picture(const Context& context, const Request& request, OwnerKind kind) {
  const PictureOwner owner = require_owner(context, require_member(context, request), request, kind);
  erase_with_blobs(context, owner.folder + "/", [&](Transaction& transaction) {
    cancel_pictures(transaction, owner, context.clock.now());
    if (kind != OwnerKind::artist) {
      transaction.releases().erase_picture(owner.id);
    } else if (auto artist = transaction.artists().find(owner.id)) {
      artist->picture = artist->thumbnail = artist->files = "";
      transaction.artists().update(*artist, context.clock.now());
    }
  });
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

void add_picture_routes(http::Router& router, Context& context) {
  for (const auto& [path, kind] : {std::pair{"/songs/{id}/picture", OwnerKind::song},
                                   {"/releases/{id}/picture", OwnerKind::release},
                                   {"/artist/picture", OwnerKind::artist}}) {
    const auto with_kind = [kind = kind](auto handler) {
      return [kind, handler](const Context& with, const Request& request) { return handler(with, request, kind); };
    };
    add_route(router, context, Method::put, path, with_kind(put_picture), max_picture_bytes);
    add_route(router, context, Method::del, path, with_kind(delete_picture));
    if (kind != OwnerKind::artist)
      add_route(router, context, Method::get, path, with_kind(get_cover));  // an artist's is everybody's to see
  }
}

}  // namespace webwrap
