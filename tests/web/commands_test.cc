#include "commands/commands.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "database.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;

/// A command's exit status and what it printed.
std::pair<int, std::string> run(const std::function<int()>& command) {
  ::testing::internal::CaptureStdout();
  const int status = command();
  return {status, ::testing::internal::GetCapturedStdout()};
}

TEST(Commands, AuditSaysWhatIsWrong) {
  Database database;
  Config config;
  config.data_dir = database.dir.string();
  EXPECT_EQ(run([&] { return audit(config, false); }).first, 0);
  Job job;
  job.id = "j";
  job.account = database.add_account().id;
  job.price = 1;
  database.store->write([&](Transaction& transaction) { transaction.jobs().add(job); });
  const auto [status, text] = run([&] { return audit(config, false); });
  EXPECT_EQ(status, 1);
  EXPECT_THAT(text, HasSubstr("Job j is queued at a price of 1 credits, but the books say: reserved nothing"));
}

TEST(Commands, AuditLooksAtTheFiles) {
  Database database;
  Config config;
  config.data_dir = database.dir.string();
  const auto blobs = open_local_blob_store(blob_path(config));
  const Id account = database.add_account().id;
  Recording recording;
  recording.id = "r";
  recording.account = account;
  recording.state = Recording::State::ready;
  recording.size = 5;
  recording.blob = "recordings/r/source";
  recording.playable = "recordings/r/1-playable.mp3";
  recording.peaks = "recordings/r/1-peaks.json";
  Song song;
  song.id = "s";
  song.account = account;
  song.converted = "songs/s/1-converted.flac";
  song.converted_playable = "songs/s/1-converted.mp3";
  song.original = "songs/s/1-original.flac";
  song.original_playable = "songs/s/1-original.mp3";
  const auto digest = [](const std::string& bytes) { return nlohmann::json{{"size", bytes.size()}, {"sha256", hash_secret(bytes)}}; };
  recording.files = nlohmann::json{{recording.blob, digest("sound")}}.dump();
  song.files = nlohmann::json{{song.converted, digest("sung")}}.dump();
  Job render;
  render.id = "j";
  render.account = account;
  render.kind = Job::Kind::render;
  render.state = Job::State::done;
  render.song = song.id;
  const std::string mix = "songs/s/renders/1-j.mp3";
  render.result = nlohmann::json{{"blob", mix}, {"files", {{mix, digest("mixed")}}}}.dump();
  Share share;
  share.id = "p";
  share.song = song.id;
  share.account = account;
  share.render = render.id;
  database.store->write([&](Transaction& transaction) {
    transaction.recordings().add(recording);
    transaction.songs().add(song);
    transaction.jobs().add(render);
    transaction.songs().add_share(share);
  });
  const auto put_all = [&] {
    blobs->put(recording.blob, "sound");
    for (const std::string& key : {recording.playable, recording.peaks}) blobs->put(key, "x");
    for (const std::string& key : {song.converted, song.converted_playable, song.original, song.original_playable}) blobs->put(key, "sung");
    blobs->put(mix, "mixed");
  };
  const auto expect_trouble = [&](const std::string& words, bool deep = false) {
    const auto [status, text] = run([&] { return audit(config, deep); });
    EXPECT_EQ(status, 1) << words;
    EXPECT_THAT(text, HasSubstr(words));
  };
  put_all();
  EXPECT_EQ(run([&] { return audit(config, true); }).first, 0);
  blobs->remove_all("songs/s/");
  expect_trouble("The file songs/s/1-original.mp3 of song s is missing.");
  expect_trouble("0 things are wrong with the books, 5 with the files.");
  put_all();
  blobs->put(song.original_playable, "");
  expect_trouble("The file songs/s/1-original.mp3 of song s has 0 bytes.");
  put_all();
  blobs->put(recording.blob, "soun");
  expect_trouble("The file recordings/r/source of recording r has 4 bytes, not 5.");
  put_all();
  blobs->put(song.converted, "sing");
  EXPECT_EQ(run([&] { return audit(config, false); }).first, 0) << "the size is right";
  expect_trouble("The file songs/s/1-converted.flac of song s holds other bytes than were written.", true);
  put_all();
  blobs->put(mix, "mixes");
  expect_trouble("The file songs/s/renders/1-j.mp3 of share p holds other bytes than were written.", true);
}

TEST(Commands, TakeNoMissingDatabaseForAnEmptyOne) {
  Database database;
  Config config;
  config.data_dir = (database.dir / "typo").string();
  std::filesystem::create_directories(config.data_dir);
  EXPECT_THROW(audit(config, false), std::runtime_error);
  EXPECT_THROW(backup(config, (database.dir / "backup.db").string()), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_empty(config.data_dir));
}

TEST(Commands, BackupOverwritesNothing) {
  Database database;
  Config config;
  config.data_dir = database.dir.string();
  const std::string path = (database.dir / "backup.db").string();
  std::ofstream(path) << "yesterday's";
  try {
    backup(config, path);
    ADD_FAILURE() << "it was overwritten";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(path));
  }
  std::string kept;
  std::getline(std::ifstream(path), kept);
  EXPECT_EQ(kept, "yesterday's");
}

TEST(Commands, BackupMakesADatabaseToStartFrom) {
  Database database;
  Config config;
  config.data_dir = database.dir.string();
  const Id account = database.add_account().id;
  const std::filesystem::path restored = database.dir / "restored";
  std::filesystem::create_directories(restored);
  EXPECT_EQ(run([&] { return backup(config, (restored / "webwrap.db").string()); }).first, 0);
  config.data_dir = restored.string();
  EXPECT_EQ(run([&] { return migrate(config); }).first, 0);
  open_sqlite_store(database_path(config))->read([&](Transaction& transaction) { EXPECT_TRUE(transaction.accounts().find(account)); });
}

}  // namespace
}  // namespace webwrap::testing
