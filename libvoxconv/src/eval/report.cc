#include "eval/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace voxconv {
namespace {

using Json = nlohmann::ordered_json;

/// The table of columns: calls visit(name, figure) for every figure of a sound, const or not; `whose` stands before each name.
template <class Sound, class Visit>
void visit_figures(const std::string& whose, Sound& sound, const Visit& visit) {
  for (std::size_t i = 0; i < sound.band_db.size(); ++i)
    visit(fmt::format("{}band_{}_{}_db", whose, SoundFigures::band_edges[i], SoundFigures::band_edges[i + 1]), sound.band_db[i]);
  visit(whose + "above_16k_db", sound.above_16k_db);
  for (std::size_t i = 0; i < sound.periodicity.size(); ++i)
    visit(fmt::format("{}periodicity_{}_{}", whose, SoundFigures::periodicity_edges[i], SoundFigures::periodicity_edges[i + 1]),
          sound.periodicity[i]);
  visit(whose + "hnr_db", sound.hnr_db);
  visit(whose + "sig", sound.sig);
  visit(whose + "bak", sound.bak);
  visit(whose + "ovrl", sound.ovrl);
}

/// The same of a row.
template <class Row, class Visit>
void visit_columns(Row& row, const Visit& visit) {
  visit("seconds", row.seconds);
  visit("f0_correlation", row.f0_correlation);
  visit("f0_median_cents", row.f0_median_cents);
  visit("f0_agreement", row.f0_agreement);
  visit("secs_target", row.secs_target);
  visit("secs_source", row.secs_source);
  visit("secs_source_target", row.secs_source_target);
  visit("secs_nearer_target", row.secs_nearer_target);
  visit("timbre_target", row.timbre_target);
  visit("timbre_source", row.timbre_source);
  visit("timbre_source_target", row.timbre_source_target);
  visit("timbre_nearer_target", row.timbre_nearer_target);
  visit("loudness_error_db", row.loudness_error_db);
  visit("level_difference_db", row.level_difference_db);
  visit("rest_db", row.rest_db);
  visit("source_rest_db", row.source_rest_db);
  visit("breath_change_db", row.breath_change_db);
  visit("spectrum_distance_db", row.spectrum_distance_db);
  visit("cer", row.cer);
  visit("rtf", row.rtf);
  visit_figures("", row.result_sound, visit);
  visit_figures("source_", row.source_sound, visit);
}

/// Adds figures to a JSON object; null where undefined.
auto into_json(Json& json) {
  return [&json](const std::string& name, double value) { json[name] = std::isfinite(value) ? Json(value) : Json(nullptr); };
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::string& name, const EvalRow& row) {
  std::string line = csv_field(name) + "," + row.language;
  visit_columns(row, [&](const std::string&, double value) { line += std::isfinite(value) ? fmt::format(",{:.6g}", value) : ","; });
  return line + "\n";
}

/// Figure by figure the mean of the finite values.
template <class Record, class Visitor>
Record mean_of(const std::vector<Record>& records, const Visitor& visit_all) {
  std::vector<double> sums, counts;
  const auto add = [&](const Record& record) {
    std::size_t i = 0;
    visit_all(record, [&](const std::string&, double value) {
      if (i == sums.size()) sums.push_back(0), counts.push_back(0);
      if (std::isfinite(value)) sums[i] += value, ++counts[i];
      ++i;
    });
  };
  for (const Record& record : records) add(record);
  Record mean;
  std::size_t i = 0;
  if (!records.empty())
    visit_all(mean, [&](const std::string&, double& value) {
      value = counts[i] > 0 ? sums[i] / counts[i] : undefined_figure;
      ++i;
    });
  return mean;
}

}  // namespace

std::string EvalReport::to_json() const {
  Json json{{"voice", voice}, {"files", Json::array()}, {"mean", Json::object()}, {"target", Json::object()}};
  for (const EvalRow& row : rows) {
    Json file{{"source", row.source}, {"language", row.language.empty() ? Json(nullptr) : Json(row.language)}};
    visit_columns(row, into_json(file));
    json["files"].push_back(std::move(file));
  }
  visit_columns(mean, into_json(json["mean"]));
  visit_figures("", target_sound, into_json(json["target"]));
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string EvalReport::to_csv() const {
  std::string text = "source,language";
  visit_columns(mean, [&](const std::string& name, double) { text += "," + name; });
  text += "\n";
  for (const EvalRow& row : rows) text += csv_line(row.source, row);
  EvalRow target;  // the target's recordings stand in the columns of the results
  target.result_sound = target_sound;
  return text + csv_line("mean", mean) + csv_line("target", target);
}

EvalRow mean_row(const std::vector<EvalRow>& rows) {
  return mean_of(rows, [](auto& row, const auto& visit) { visit_columns(row, visit); });
}

SoundFigures mean_figures(const std::vector<SoundFigures>& sounds) {
  return mean_of(sounds, [](auto& sound, const auto& visit) { visit_figures("", sound, visit); });
}

}  // namespace voxconv
