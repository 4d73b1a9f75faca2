#include <fmt/format.h>

#include "worker/audio_runner.h"
#include "worker/picture_process.h"

namespace webwrap {
namespace {

using nlohmann::json;

PictureSides sides_of(bool is_artist) { return is_artist ? PictureSides{256, 1024, 256} : PictureSides{300, cover_side, 1000}; }

bool keep_artist_picture(Transaction& transaction, const Picture& picture, std::vector<std::string>& obsolete) {
  auto artist = transaction.artists().find(picture.owner);
  if (!artist) return false;
  for (const std::string& key : {artist->picture, artist->thumbnail})
    if (!key.empty()) obsolete.push_back(key);
  artist->picture = picture.blob;
  artist->thumbnail = picture.small;
  artist->files = picture.files;
  transaction.artists().update(*artist, artist->created);
  return true;
}

bool keep_cover(Transaction& transaction, const Picture& picture, std::vector<std::string>& obsolete) {
  const auto song = transaction.songs().find(picture.owner);
  const auto release = transaction.releases().find(picture.owner);
  if (!(song && song->account == picture.account) && !(release && release->account == picture.account)) return false;
  if (const auto before = transaction.releases().picture_of(picture.owner)) obsolete.insert(obsolete.end(), {before->blob, before->small});
  transaction.releases().set_picture(picture);
  return true;
}

}  // namespace

JobOutput AudioRunner::take_picture(const JobTask& task) {
  const json parameters = json::parse(task.job.parameters);
  const std::string upload = parameters.at("upload"), folder = parameters.at("folder");
  const bool is_artist = parameters.at("of") == "artist";
  task.progress.report(0, "reading");
  if (blobs_.size(upload) < 0) throw PermanentJobError("This picture was removed, or another one came after it.");
  const PictureSquares squares = squares_of_picture(blobs_.local_path(upload), sides_of(is_artist), task.folder, task.cancel);
  Picture picture;
  picture.owner = parameters.at("owner");
  picture.width = squares.width;
  picture.height = squares.height;
  picture.created = task.job.created;
  JobOutput output;
  const auto add = [&](const char* kind, const std::string& jpeg) {
    const std::string name = fmt::format("{}-{}.jpg", task.job.id, kind);
    output.files.push_back({folder, name, "", jpeg});
    return attempt_key(folder, task.job.attempts, name);
  };
  picture.blob = add("large", squares.large);
  picture.small = add("small", squares.small);
  picture.files = output.described(task.job.attempts).dump();
  output.result = "{}";
  output.obsolete = std::make_shared<std::vector<std::string>>(1, upload);
  output.keep = [picture, is_artist, job = task.job.id, obsolete = output.obsolete](Transaction& transaction) mutable {
    picture.account = transaction.jobs().find(job).value().account;
    return is_artist ? keep_artist_picture(transaction, picture, *obsolete) : keep_cover(transaction, picture, *obsolete);
  };
  return output;
}

}  // namespace webwrap
