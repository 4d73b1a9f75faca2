#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "domain/id.h"
#include "store/store.h"

namespace webwrap::testing {

/// A store in a temporary folder.
class Database {
 public:
  Database() : dir(std::filesystem::temp_directory_path() / fmt::format("webwrap-test-{}-{}", ::getpid(), new_id())) {
    std::filesystem::create_directories(dir);
    path = (dir / "webwrap.db").string();
    store = open_sqlite_store(path);
  }
  ~Database() { std::filesystem::remove_all(dir); }

  Account add_account(Seconds created = 1) {
    Account account;
    account.id = new_id();
    account.created = created;
    store->write([&](Transaction& transaction) { transaction.accounts().add(account); });
    return account;
  }
  Job add_job(const Id& account, int priority = 1, Seconds created = 1) {
    Job job;
    job.id = new_id();
    job.account = account;
    job.priority = priority;
    job.created = created;
    store->write([&](Transaction& transaction) { transaction.jobs().add(job); });
    return job;
  }
  std::vector<std::string> audit() {
    std::vector<std::string> problems;
    store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
    return problems;
  }
  /// Runs SQL past the store, as someone with the file could; SQLite's complaint, empty if there was none.
  std::string tamper(const std::string& sql) {
    sqlite3* connection = nullptr;
    sqlite3_open(path.c_str(), &connection);
    sqlite3_busy_timeout(connection, 5000);
    char* message = nullptr;
    sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &message);
    const std::string complaint = message ? message : "";
    sqlite3_free(message);
    sqlite3_close(connection);
    return complaint;
  }

  std::filesystem::path dir;
  std::string path;
  std::unique_ptr<Store> store;
};

}  // namespace webwrap::testing
