#include "commands/commands.h"

#include <gmock/gmock.h>

#include <fstream>

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
  EXPECT_EQ(run([&] { return audit(config); }).first, 0);
  Job job;
  job.id = "j";
  job.account = database.add_account().id;
  job.price = 1;
  database.store->write([&](Transaction& transaction) { transaction.jobs().add(job); });
  const auto [status, text] = run([&] { return audit(config); });
  EXPECT_EQ(status, 1);
  EXPECT_THAT(text, HasSubstr("Job j is queued at a price of 1 credits, but the books say: reserved nothing"));
}

TEST(Commands, TakeNoMissingDatabaseForAnEmptyOne) {
  Database database;
  Config config;
  config.data_dir = (database.dir / "typo").string();
  std::filesystem::create_directories(config.data_dir);
  EXPECT_THROW(audit(config), std::runtime_error);
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
