#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite_connection.h"

namespace webwrap::rows {

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

}  // namespace webwrap::rows
