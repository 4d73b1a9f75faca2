#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "connect/connector.h"
#include "domain/sealed.h"
#include "log/log.h"
#include "store/job_end.h"
#include "worker/audio_runner.h"
#include "worker/loudness.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr Seconds refresh_before = 120;  ///< tokens that end so soon are refreshed first

std::string purpose_of(const Publication& publication) { return "upload:" + publication.id; }

/// The account at a platform that a publication goes to or is at. Its tokens are kept as soon as they change.
class PlatformAccount {
 public:
  PlatformAccount(const Config& config, Store& store, const Connector& connector, const Publication& publication)
      : config_(config), store_(store), connector_(connector), publication_(publication) {
    load();
  }

  /// Calls use(tokens), once more with new tokens where these are not taken.
  template <class Use>
  auto with_tokens(Use use) {
    if (tokens_.expires > 0 && tokens_.expires < SystemClock().now() + refresh_before) refresh();
    for (bool again = false;; again = true) {
      try {
        return use(tokens_);
      } catch (const PlatformError& error) {
        if (error.kind() != PlatformError::Kind::unauthorized) throw;
      }
      if (again) fail_disconnected();
      refresh();
    }
  }

  PlatformUser user() const { return {tokens_.user, connection_.name}; }

 private:
  void load() {
    std::optional<Connection> found;
    store_.read([&](Transaction& transaction) { found = transaction.releases().connection_to(publication_.account, connector_.id()); });
    if (!found || found->broken) fail_disconnected();
    connection_ = *found;
    const auto tokens = PlatformTokens::unsealed(config_.token_keys, connection_.account, connection_.platform, connection_.tokens);
    if (!tokens) fail_disconnected();
    tokens_ = *tokens;
    connector_.require_same({publication_.remote_user, publication_.remote_name}, tokens_);
  }

  void refresh() {
    try {
      tokens_ = connector_.refresh(tokens_, SystemClock().now());
    } catch (const PlatformError& error) {
      if (error.kind() != PlatformError::Kind::disconnected) throw;
      bool broken = false;
      store_.write([&](Transaction& transaction) {
        auto now = transaction.releases().connection_to(publication_.account, connector_.id());
        broken = now && now->tokens == connection_.tokens;
        if (!broken) return;
        now->broken = true;
        transaction.releases().update_connection(*now);
      });
      if (broken) fail_disconnected();
      load();  // another worker has used the token, which is good for once, and kept the new ones
      return;
    }
    connection_.tokens = tokens_.sealed(config_.token_keys, connection_.account, connection_.platform);
    store_.write([&](Transaction& transaction) { transaction.releases().update_connection(connection_); });
  }

  [[noreturn]] void fail_disconnected() const {
    throw PermanentJobError(
        fmt::format("Your {} account is not connected any more; connect it again, then try again.", connector_.title()));
  }

  const Config& config_;
  Store& store_;
  const Connector& connector_;
  const Publication& publication_;
  Connection connection_;
  PlatformTokens tokens_;
};

}  // namespace

std::string AudioRunner::publish_file(const JobTask& task, const json& form, const Song& song, bool is_video) {
  if (is_video) {
    std::optional<Job> video;
    store_.read([&](Transaction& transaction) { video = transaction.jobs().find(form.at("video")); });
    const std::string blob = video ? made_blob(*video) : std::string();
    if (blob.empty() || blobs_.size(blob) < 0) throw PermanentJobError("The video was removed; make it again, then publish it.");
    return blobs_.local_path(blob);
  }
  const std::string path = task.folder + "/song.flac";
  const voxconv::Tags tags{{"title", form.at("title")}, {"artist", form.at("artist")}};
  make_master(task, song, form, tags, path, 0, 0.4);
  return path;
}

Post AudioRunner::post_of(const JobTask& task, const Connector& connector, const Publication& publication, const Song& song) {
  const json form = json::parse(publication.form);
  Post post;
  post.mark = publication.id;
  post.title = form.at("title");
  post.description = form.at("description");
  if (!post.description.empty()) post.description += "\n\n";
  post.description += fmt::format("AI-converted vocal: sung by a person, given the voice {} by software (voxconv).", song.voice_title);
  post.genre = form.at("genre");
  post.visibility = form.at("visibility");
  post.file = publish_file(task, form, song, connector.takes_video());
  post.type = connector.takes_video() ? "video/mp4" : "audio/flac";
  post.size = std::int64_t(std::filesystem::file_size(post.file));
  post.seconds = song.duration_s;
  std::optional<Picture> cover;
  store_.read([&](Transaction& transaction) { cover = transaction.releases().picture_of(song.id); });
  if (cover && blobs_.size(cover->blob) > 0) post.cover = blobs_.local_path(cover->blob);
  return post;
}

Posted AudioRunner::publish_song(const JobTask& task, const Connector& connector, Publication& publication, const Song& song) {
  PlatformAccount account(config_, store_, connector, publication);
  const Post post = post_of(task, connector, publication, song);
  json state = json::object();
  if (!publication.upload.empty())
    if (const auto kept = unseal(config_.token_keys, purpose_of(publication), publication.upload)) state = json::parse(*kept);
  // What was begun with other bytes or for another account cannot be continued; what may have arrived whole still must be looked for.
  const std::string sha256 = sha256_of_file(post.file);
  if (state.value("sha256", "") != sha256 || state.value("user", "") != account.user().id)
    state = {{"sent", !publication.remote_user.empty()}};

  PostHooks hooks;
  hooks.keep = [&](const json& now) {
    const PlatformUser user = account.user();
    const bool sent = now.value("sent", false);
    state = now;
    state.update({{"sha256", sha256}, {"user", user.id}});
    publication.state = Publication::State::uploading;
    publication.remote_user = sent ? user.id : "";
    publication.remote_name = sent ? user.name : "";
    publication.upload = seal(config_.token_keys, purpose_of(publication), state.dump());
    store_.write([&](Transaction& transaction) {
      const auto job = transaction.jobs().find(task.job.id);
      if (!job || job->state != Job::State::running || job->attempts != task.job.attempts || job->worker != task.job.worker)
        throw std::runtime_error("The job is another worker's.");
      if (!transaction.releases().find_publication(publication.id)) throw PermanentJobError("The song was removed.");
      transaction.releases().update_publication(publication);
    });
  };
  hooks.progress = [&](double share) { task.progress.report(0.4 + 0.6 * share, "uploading"); };
  hooks.stopped = [&] { return task.cancel.cancelled(); };
  // The second time with what the first one kept; a copy, since it keeps more meanwhile.
  return account.with_tokens([&](const PlatformTokens& tokens) { return connector.publish(tokens, post, json(state), hooks); });
}

JobOutput AudioRunner::publish(const JobTask& task) {
  const json parameters = json::parse(task.job.parameters);
  const bool removing = parameters.at("remove");
  std::optional<Publication> publication;
  std::optional<Song> song;
  store_.read([&](Transaction& transaction) {
    publication = transaction.releases().find_publication(parameters.at("publication"));
    if (publication) song = transaction.songs().find(publication->song);
  });
  if (!publication || !song) throw PermanentJobError("The song was removed.");
  const auto connectors = make_connectors(config_);
  const auto connector =
      std::find_if(connectors.begin(), connectors.end(), [&](const auto& one) { return one->id() == publication->platform; });
  if (connector == connectors.end() || !(*connector)->configured())
    throw PermanentJobError("This service is not connected to that platform any more.");
  Posted posted;
  try {
    if (removing)
      PlatformAccount(config_, store_, **connector, *publication).with_tokens([&](const PlatformTokens& tokens) {
        (*connector)->take_down(tokens, publication->remote_id);
      });
    else
      posted = publish_song(task, **connector, *publication, *song);
  } catch (const PlatformError& error) {
    if (error.kind() == PlatformError::Kind::refused) throw PermanentJobError(error.what());
    throw;  // passing: the job waits, and goes on where this try stopped
  }
  JobOutput output;
  output.result = json{{"remote_id", posted.id}, {"url", posted.url}}.dump();
  output.keep = [id = publication->id, posted, removing](Transaction& transaction) {
    auto now = transaction.releases().find_publication(id);
    if (!now) return true;  // the song was deleted here meanwhile; what is there stays there
    now->state = removing ? Publication::State::removed : Publication::State::published;
    now->upload.clear();
    now->failure.clear();
    if (!removing) {
      now->remote_id = posted.id;
      now->url = posted.url;
      now->note = posted.note;
    }
    now->changed = SystemClock().now();
    transaction.releases().update_publication(*now);
    return true;
  };
  return output;
}

}  // namespace webwrap
