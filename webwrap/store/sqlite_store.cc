#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>

#include "blob/disk.h"
#include "blob/file_descriptor.h"
#include "domain/error.h"
#include "domain/id.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"
#include "store/store.h"

namespace webwrap {
namespace {

struct SqliteTransaction : Transaction {
  explicit SqliteTransaction(SqliteConnection& connection)
      : accounts_(connection),
        ledger_(connection),
        recordings_(connection),
        jobs_(connection),
        songs_(connection),
        orders_(connection),
        artists_(connection),
        follows_(connection),
        plays_(connection),
        earnings_(connection),
        voices_(connection),
        releases_(connection) {}
  AccountStore& accounts() override { return accounts_; }
  LedgerStore& ledger() override { return ledger_; }
  RecordingStore& recordings() override { return recordings_; }
  JobStore& jobs() override { return jobs_; }
  SongStore& songs() override { return songs_; }
  OrderStore& orders() override { return orders_; }
  ArtistStore& artists() override { return artists_; }
  FollowStore& follows() override { return follows_; }
  PlayStore& plays() override { return plays_; }
  EarningStore& earnings() override { return earnings_; }
  VoiceStore& voices() override { return voices_; }
  ReleaseStore& releases() override { return releases_; }

 private:
  SqliteAccountStore accounts_;
  SqliteLedgerStore ledger_;
  SqliteRecordingStore recordings_;
  SqliteJobStore jobs_;
  SqliteSongStore songs_;
  SqliteOrderStore orders_;
  SqliteArtistStore artists_;
  SqliteFollowStore follows_;
  SqlitePlayStore plays_;
  SqliteEarningStore earnings_;
  SqliteVoiceStore voices_;
  SqliteReleaseStore releases_;
};

/// Runs `work` between `begin` and COMMIT.
void transact(SqliteConnection& connection, const char* begin, const std::function<void(Transaction&)>& work) {
  try {
    rows::run(connection, begin);
    SqliteTransaction transaction(connection);
    work(transaction);
    rows::run(connection, "COMMIT");
  } catch (const SQLite::Exception& error) {
    connection.database().tryExec("ROLLBACK");
    if (error.getErrorCode() == SQLITE_BUSY) throw ServiceError(503, "busy", "The service is busy: try again in a moment.");
    if (error.getErrorCode() == SQLITE_FULL || error.getExtendedErrorCode() == SQLITE_IOERR_SHMSIZE) fail_disk_full();
    throw;
  } catch (...) {
    connection.database().tryExec("ROLLBACK");
    throw;
  }
}

/// Whether this thread is inside a transaction: a write in it would wait for itself.
thread_local bool inside_transaction = false;

struct InsideTransaction {
  InsideTransaction() { inside_transaction = true; }
  ~InsideTransaction() { inside_transaction = before; }
  const bool before = inside_transaction;
};

/// A file that only this user may read, and SQLite's files beside it get the same rights: there are password hashes in it.
void make_private_file(const std::string& path) {
  if (!open_file(path, O_RDWR | O_CREAT))
    throw std::system_error(errno, std::generic_category(), fmt::format("The database {} cannot be opened", path));
}

void sync(const std::string& path) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  if (!file || ::fsync(file.get()) != 0)
    throw std::system_error(errno, std::generic_category(), fmt::format("{} cannot be written to the disk", path));
}

/// Of this start of the machine, the same in all its containers.
std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  if (id.empty()) throw std::runtime_error("/proc/sys/kernel/random/boot_id cannot be read: it tells which jobs' workers may be alive.");
  return id;
}

/// Times in the queue count from the machine's start, so those of an earlier one mean nothing: none of its workers is running.
void end_leases_of_earlier_boots(SqliteConnection& connection) {
  const std::string boot = boot_id();
  if (rows::value<std::string>(connection, "SELECT id FROM boot") == boot) return;
  SQLite::Transaction transaction(connection.database(), SQLite::TransactionBehavior::IMMEDIATE);
  if (rows::run(connection, "UPDATE boot SET id = ?1 WHERE id <> ?1", boot) > 0)
    rows::run(connection, "UPDATE jobs SET lease_until = 0, not_before = 0 WHERE state IN ('queued', 'running')");
  transaction.commit();
}

/// The switch to WAL needs the database for itself, and SQLite does not wait for that.
void use_wal(SQLite::Database& database) {
  for (int attempt = 0;; ++attempt) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() != SQLITE_BUSY || attempt == 200) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

/// The service's database in one SQLite file in WAL mode: readers never wait, writers wait for each other (in this process in a queue, for
/// other processes up to the busy timeout).
class SqliteStore : public Store {
 public:
  SqliteStore(const std::string& path, std::function<bool()> make_room);
  void write(const std::function<void(Transaction&)>& work) override;
  void read(const std::function<void(Transaction&)>& work) override;
  void backup(const std::string& path) override;

 private:
  /// A connection for one transaction, from those that no thread uses or new; it goes back there.
  struct Reader {
    explicit Reader(SqliteStore& of);
    ~Reader();
    SqliteStore& store;
    std::unique_ptr<SqliteConnection> connection;
  };

  const std::string path_;
  const std::function<bool()> make_room_;
  std::mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;  ///< those that no thread uses now
};

SqliteStore::SqliteStore(const std::string& path, std::function<bool()> make_room) : path_(path), make_room_(std::move(make_room)) {
  make_private_file(path);
  writer_ = std::make_unique<SqliteConnection>(path, SqliteConnection::Access::write);
  use_wal(writer_->database());
  migrate(*writer_);
  end_leases_of_earlier_boots(*writer_);
}

void SqliteStore::write(const std::function<void(Transaction&)>& work) {
  if (inside_transaction) throw std::logic_error("A transaction that writes was begun inside another one.");
  const InsideTransaction inside;
  const std::lock_guard lock(writer_mutex_);
  try {
    transact(*writer_, "BEGIN IMMEDIATE", work);
  } catch (const ServiceError& error) {
    if (error.status() != 507 || !make_room_ || !make_room_()) throw;
    transact(*writer_, "BEGIN IMMEDIATE", work);
  }
}

void SqliteStore::read(const std::function<void(Transaction&)>& work) {
  const InsideTransaction inside;
  Reader reader(*this);
  transact(*reader.connection, "BEGIN", work);
}

SqliteStore::Reader::Reader(SqliteStore& of) : store(of) {
  {
    const std::lock_guard lock(store.readers_mutex_);
    if (!store.readers_.empty()) {
      connection = std::move(store.readers_.back());
      store.readers_.pop_back();
      return;
    }
  }
  connection = std::make_unique<SqliteConnection>(store.path_, SqliteConnection::Access::read);
}

SqliteStore::Reader::~Reader() {
  const std::lock_guard lock(store.readers_mutex_);
  store.readers_.push_back(std::move(connection));
}

void SqliteStore::backup(const std::string& path) {
  const std::string temporary = path + ".tmp-" + new_id();
  try {
    make_private_file(temporary);
    {
      SqliteConnection source(path_, SqliteConnection::Access::read);
      SQLite::Database target(temporary, SQLite::OPEN_READWRITE);
      // All pages in one step: it reads one snapshot, and in WAL mode nobody waits for it.
      if (const int result = SQLite::Backup(target, source.database()).executeStep(-1); result != SQLITE_DONE)
        throw std::runtime_error(fmt::format("The database cannot be copied to {}: {}.", temporary, sqlite3_errstr(result)));
      target.exec("PRAGMA journal_mode = DELETE");  // one file, complete without a -wal beside it
    }
    sync(temporary);
    std::filesystem::rename(temporary, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  sync(folder.empty() ? "." : folder.string());
}

}  // namespace

std::unique_ptr<Store> open_sqlite_store(const std::string& path, std::function<bool()> make_room) {
  return std::make_unique<SqliteStore>(path, std::move(make_room));
}

}  // namespace webwrap
