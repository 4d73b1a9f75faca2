#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "commands/commands.h"
#include "domain/clock.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// A blob that must be there.
struct Expected {
  std::string owner, key;
  std::int64_t size = -1;  ///< bytes; -1: not known
  std::string sha256;      ///< empty: not known
};

/// With the size and checksum that `files` of a recording or song may hold for it.
Expected expect(const std::string& owner, const std::string& key, const std::string& files) {
  Expected expected{owner, key};
  const json known = json::parse(files, nullptr, false);
  if (known.is_object() && known.contains(key)) {
    expected.size = known.at(key).value("size", std::int64_t(-1));
    expected.sha256 = known.at(key).value("sha256", "");
  }
  return expected;
}

std::vector<Expected> blobs_of(const Recording& recording) {
  const std::string owner = "recording " + recording.id;
  if (recording.state == Recording::State::uploading) return {};  // as long as the blob is, so much has come
  std::vector<Expected> all = {expect(owner, recording.blob, recording.files)};
  all[0].size = recording.size;
  if (recording.state == Recording::State::ready)
    for (const std::string& key : {recording.playable, recording.peaks, recording.vocals, recording.music})
      if (!key.empty()) all.push_back(expect(owner, key, recording.files));
  return all;
}

std::vector<Expected> blobs_of(const Song& song) {
  std::vector<Expected> all;
  for (const std::string& key : {song.converted, song.converted_playable, song.original, song.original_playable, song.music,
                                 song.music_playable, song.cover_playable})
    if (!key.empty()) all.push_back(expect("song " + song.id, key, song.files));
  return all;
}

std::vector<Expected> blobs_of(const Artist& artist) {
  std::vector<Expected> all;
  for (const std::string& key : {artist.picture, artist.thumbnail})
    if (!key.empty()) all.push_back(expect("artist " + artist.handle, key, artist.files));
  return all;
}

std::vector<Expected> blobs_of(const OwnVoice& voice) {
  std::vector<Expected> all;
  if (!voice.is_trained()) return all;
  const std::string owner = "voice " + voice.id;
  for (const std::string& key : {voice.bundle + "/voice.json", voice.bundle + "/weights.safetensors", voice.sample})
    all.push_back(expect(owner, key, voice.files));
  return all;
}

std::vector<Expected> expected_blobs(Transaction& transaction) {
  std::vector<Expected> all;
  const auto add = [&](const std::vector<Expected>& some) { all.insert(all.end(), some.begin(), some.end()); };
  for (const Recording& recording : transaction.recordings().all()) add(blobs_of(recording));
  for (const Artist& artist : transaction.artists().all()) add(blobs_of(artist));
  for (const OwnVoice& voice : transaction.voices().all()) add(blobs_of(voice));
  for (const Picture& picture : transaction.releases().pictures())
    for (const std::string& key : {picture.blob, picture.small})
      all.push_back(expect("the picture of " + picture.owner, key, picture.files));
  for (const Release& release : transaction.releases().all())
    if (const auto made = release.package.empty() ? std::nullopt : transaction.jobs().find(release.package)) {
      const json result = json::parse(made->result);
      all.push_back(expect("release " + release.id, result.at("blob"), result.at("files").dump()));
    }
  for (const Song& song : transaction.songs().all()) {
    add(blobs_of(song));
    const auto share = transaction.songs().share_of(song.id);
    const auto render = share && !share->render.empty() ? transaction.jobs().find(share->render) : std::nullopt;
    if (!render) continue;
    const json made = json::parse(render->result);
    all.push_back(expect("share " + share->id, made.at("blob"), made.value("files", json::object()).dump()));
  }
  return all;
}

/// What is wrong with a blob, as a sentence; empty: nothing.
std::string problem_of(const Expected& expected, BlobStore& blobs, bool deep) {
  const std::int64_t size = blobs.size(expected.key);
  if (size < 0) return fmt::format("The file {} of {} is missing.", expected.key, expected.owner);
  if (expected.size >= 0 ? size != expected.size : size == 0)
    return fmt::format("The file {} of {} has {} bytes{}.", expected.key, expected.owner, size,
                       expected.size < 0 ? "" : fmt::format(", not {}", expected.size));
  if (deep && !expected.sha256.empty() && sha256_of_file(blobs.local_path(expected.key)) != expected.sha256)
    return fmt::format("The file {} of {} holds other bytes than were written.", expected.key, expected.owner);
  return {};
}

}  // namespace

int audit(const Config& config, bool deep) {
  const auto store = open_existing_store(config);
  const auto blobs = open_local_blob_store(blob_path(config));
  std::vector<std::string> problems, matters;
  std::vector<FormerAccount> replaced;
  std::vector<Expected> expected;
  store->read([&](Transaction& transaction) {
    problems = transaction.ledger().audit();
    for (const std::string& problem : transaction.earnings().audit()) problems.push_back(problem);
    matters = transaction.earnings().attention(SystemClock().now());
    replaced = transaction.earnings().former_accounts();
    expected = expected_blobs(transaction);
  });
  const std::size_t of_books = problems.size();
  std::vector<Expected> odd;
  for (const Expected& blob : expected)
    if (!problem_of(blob, *blobs, deep).empty()) odd.push_back(blob);
  // The service may be running: what was deleted since the first pass is no longer expected.
  if (!odd.empty())
    store->read([&](Transaction& transaction) {
      const std::vector<Expected> now = expected_blobs(transaction);
      for (const Expected& blob : now)
        if (std::any_of(odd.begin(), odd.end(), [&](const Expected& other) { return other.key == blob.key; }))
          if (const std::string trouble = problem_of(blob, *blobs, deep); !trouble.empty()) problems.push_back(trouble);
    });
  for (const std::string& problem : problems) fmt::print("{}\n", problem);
  for (const std::string& matter : matters) fmt::print("To be seen to: {}\n", matter);
  for (const FormerAccount& one : replaced)
    fmt::print("The account {} of {} was closed at Stripe; it has had another one since {:%Y-%m-%d}.\n", one.stripe, one.account,
               fmt::gmtime(std::time_t(one.replaced)));
  if (problems.empty())
    fmt::print("The books are sound, and all {} files are there{}.\n", expected.size(), deep ? " and as they were written" : "");
  else
    fmt::print("{} things are wrong with the books, {} with the files.\n", of_books, problems.size() - of_books);
  return problems.empty() ? 0 : 1;
}

}  // namespace webwrap
