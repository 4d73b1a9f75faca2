#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/sqlite_schema.h"

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

/// The numbered files of store/migrations, in order: the first makes schema version 1 from nothing. Made at build time.
const std::vector<std::string_view>& sqlite_migrations();

/// Applies what the database lacks, each in one transaction; several processes may do so at a time. Throws std::runtime_error where the
/// database is of a newer version of this program.
void migrate(SqliteConnection& connection);

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

namespace rows {

/// Calls f(column, index) for every column of a record.
template <class Record, class F>
void for_columns(F&& f) {
  std::apply(
      [&](const auto&... column) {
        int index = 0;
        (f(column, index++), ...);
      },
      SqliteSchema<Record>::columns);
}

/// `"id", "account", ...`
template <class Record>
const std::string& columns() {
  static const std::string text = [] {
    std::string list;
    for_columns<Record>([&](const auto& column, int index) { list += std::string(index ? ", \"" : "\"") + column.name + "\""; });
    return list;
  }();
  return text;
}

/// The record in the query's row, which selects columns<Record>().
template <class Record>
Record read(const SqliteQuery& query) {
  Record record;
  for_columns<Record>([&](const auto& column, int index) {
    auto& member = record.*column.member;
    member = query.get<std::remove_reference_t<decltype(member)>>(index);
  });
  return record;
}

template <class Record>
void insert(SqliteConnection& connection, const Record& record) {
  static const std::string sql = [] {
    std::string marks;
    for_columns<Record>([&](const auto&, int index) { marks += index ? ", ?" : "?"; });
    return std::string("INSERT INTO ") + SqliteSchema<Record>::table + " (" + columns<Record>() + ") VALUES (" + marks + ")";
  }();
  SqliteQuery query(connection, sql);
  for_columns<Record>([&](const auto& column, int) { query.bind(record.*column.member); });
  query.run();
}

/// Changes the row whose first column is the record's.
template <class Record>
void update(SqliteConnection& connection, const Record& record) {
  static const std::string sql = [] {
    std::string list, first;
    for_columns<Record>([&](const auto& column, int index) {
      const std::string term = std::string("\"") + column.name + "\" = ?" + std::to_string(index + 1);
      if (index == 0)
        first = term;
      else
        list += (index > 1 ? ", " : "") + term;
    });
    return std::string("UPDATE ") + SqliteSchema<Record>::table + " SET " + list + " WHERE " + first;
  }();
  SqliteQuery query(connection, sql);
  for_columns<Record>([&](const auto& column, int) { query.bind(record.*column.member); });
  query.run();
}

/// `rest`: what follows FROM table: "WHERE account = ? ORDER BY seq DESC LIMIT ?".
template <class Record, class... T>
std::vector<Record> select(SqliteConnection& connection, const std::string& rest, const T&... values) {
  SqliteQuery query(connection, "SELECT " + columns<Record>() + " FROM " + SqliteSchema<Record>::table + " " + rest, values...);
  std::vector<Record> records;
  while (query.step()) records.push_back(read<Record>(query));
  return records;
}

template <class Record, class... T>
std::optional<Record> find(SqliteConnection& connection, const std::string& where, const T&... values) {
  std::vector<Record> records = select<Record>(connection, "WHERE " + where + " LIMIT 1", values...);
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

/// The newest first.
template <class Record>
std::vector<Record> list(SqliteConnection& connection, const Id& account, int limit) {
  return select<Record>(connection, "WHERE account = ? ORDER BY seq DESC LIMIT ?", account, limit);
}

/// Runs a statement; how many rows it changed.
template <class... T>
int run(SqliteConnection& connection, const std::string& sql, const T&... values) {
  return SqliteQuery(connection, sql, values...).run();
}

/// The first column of the first row.
template <class Result, class... T>
Result value(SqliteConnection& connection, const std::string& sql, const T&... values) {
  SqliteQuery query(connection, sql, values...);
  if (!query.step()) throw std::logic_error("No row: " + sql);
  return query.get<Result>(0);
}

/// Adds the record, or changes the row whose first column is the record's.
template <class Record>
void save(SqliteConnection& connection, const Record& record) {
  static const std::string there = [] {
    std::string first;
    for_columns<Record>([&](const auto& column, int index) {
      if (index == 0) first = column.name;
    });
    return std::string("SELECT 1 FROM ") + SqliteSchema<Record>::table + " WHERE \"" + first + "\" = ?";
  }();
  const bool known = SqliteQuery(connection, there, record.*std::get<0>(SqliteSchema<Record>::columns).member).step();
  known ? update(connection, record) : insert(connection, record);
}

}  // namespace rows

}  // namespace webwrap
