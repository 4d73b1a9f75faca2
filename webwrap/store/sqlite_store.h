#pragma once
#include <mutex>

#include "store/sqlite_connection.h"
#include "store/store.h"

namespace webwrap {

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

}  // namespace webwrap
