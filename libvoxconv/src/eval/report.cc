#include "eval/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace voxconv {
namespace {

using Json = nlohmann::ordered_json;

struct Column {
  const char* name;
  double EvalRow::*value;
};
constexpr Column columns[] = {{"seconds", &EvalRow::seconds},
                              {"f0_correlation", &EvalRow::f0_correlation},
                              {"f0_median_cents", &EvalRow::f0_median_cents},
                              {"secs_target", &EvalRow::secs_target},
                              {"secs_source", &EvalRow::secs_source},
                              {"secs_source_target", &EvalRow::secs_source_target},
                              {"loudness_error_db", &EvalRow::loudness_error_db},
                              {"rtf", &EvalRow::rtf}};

Json row_json(const EvalRow& row, bool with_source) {
  Json json;
  if (with_source) json["source"] = row.source;
  for (const Column& column : columns) {
    const double value = row.*column.value;
    json[column.name] = std::isfinite(value) ? Json(value) : Json(nullptr);
  }
  return json;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::string& name, const EvalRow& row) {
  std::string line = csv_field(name);
  for (const Column& column : columns) {
    const double value = row.*column.value;
    line += std::isfinite(value) ? fmt::format(",{:.6g}", value) : ",";
  }
  return line + "\n";
}

}  // namespace

std::string EvalReport::to_json() const {
  Json json{{"voice", voice}, {"files", Json::array()}, {"mean", row_json(mean, false)}};
  for (const EvalRow& row : rows) json["files"].push_back(row_json(row, true));
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string EvalReport::to_csv() const {
  std::string text = "source";
  for (const Column& column : columns) text += std::string(",") + column.name;
  text += "\n";
  for (const EvalRow& row : rows) text += csv_line(row.source, row);
  return text + csv_line("mean", mean);
}

EvalRow mean_row(const std::vector<EvalRow>& rows) {
  EvalRow mean;
  for (const Column& column : columns) {
    double sum = 0;
    int count = 0;
    for (const EvalRow& row : rows) {
      if (!std::isfinite(row.*column.value)) continue;
      sum += row.*column.value;
      ++count;
    }
    mean.*column.value = count > 0 ? sum / count : std::nan("");
  }
  return mean;
}

}  // namespace voxconv
