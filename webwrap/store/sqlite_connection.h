#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "store/sqlite_records.h"

namespace webwrap {

/// One connection to the database with its prepared statements. Used by one thread at a time.
class SqliteConnection {
 public:
  enum class Access { read, write };
  SqliteConnection(const std::string& path, Access access);
  SQLite::Database& database() { return database_; }
  SQLite::Statement& statement(const std::string& sql);  ///< prepared the first time

 private:
  SQLite::Database database_;
  std::unordered_map<std::string, SQLite::Statement> statements_;
};

/// One run of a statement; it is reset at the end of this object, which must not outlive the transaction. The same SQL must not run twice
/// at a time on a connection.
class SqliteQuery {
 public:
  template <class... T>
  SqliteQuery(SqliteConnection& connection, const std::string& sql, const T&... values)
      : connection_(connection), statement_(connection.statement(sql)) {
    (bind(values), ...);
  }
  ~SqliteQuery() { statement_.tryReset(); }
  SqliteQuery(const SqliteQuery&) = delete;

  /// Binds the next parameter.
  template <class T>
  void bind(const T& value) {
    const int index = ++bound_;
    if constexpr (std::is_enum_v<T>)
      statement_.bind(index, std::string(names_of(value).at(static_cast<std::size_t>(value))));
    else if constexpr (std::is_integral_v<T>)
      statement_.bind(index, static_cast<std::int64_t>(value));
    else
      statement_.bind(index, value);
  }

  bool step() { return statement_.executeStep(); }
  /// Runs to the end; how many rows it changed.
  int run() {
    while (step()) {
    }
    return connection_.database().getChanges();
  }

  template <class T>
  T get(int column) const {
    const SQLite::Column value = statement_.getColumn(column);
    if constexpr (std::is_enum_v<T>) {
      constexpr auto names = names_of(T{});
      for (std::size_t i = 0; i < names.size(); ++i)
        if (std::strcmp(names[i], value.getText()) == 0) return static_cast<T>(i);
      throw std::runtime_error("The database holds the unknown value '" + value.getString() + "' in column " + value.getName() + ".");
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(value.getInt64());
    } else if constexpr (std::is_floating_point_v<T>) {
      return value.getDouble();
    } else {
      return value.getString();
    }
  }

 private:
  SqliteConnection& connection_;
  SQLite::Statement& statement_;
  int bound_ = 0;
};

}  // namespace webwrap
