#include <fmt/format.h>

#include <cmath>

#include "app.h"
#include "convert_flags.h"
#include "data_file.h"
#include "voxconv/evaluator.h"

namespace voxconv::cli {
namespace {

struct EvalCommand {
  EvalOptions eval;
  std::string voice, json, csv;
};

void define_eval(CLI::App& app, EvalCommand& options) {
  app.add_option("source", options.eval.sources, "Audio files or folders")->required()->type_name("SOURCE");
  app.add_option("-v,--voice", options.voice, "A voice of \"voxconv voices list\", or a bundle folder")->required()->type_name("VOICE");
  const char* group = "Evaluation";
  app.add_option("--reference", options.eval.references, "Recordings of the voice; else the embedding stored in its bundle")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--json", options.json, "Write the report here (events: voxconv --json eval ...)")->type_name("FILE")->group(group);
  app.add_option("--csv", options.csv, "Write the report here")->type_name("FILE")->group(group);
  app.add_option("--save", options.eval.save_dir, "Keep the converted files here")->type_name("DIR")->group(group);
  add_convert_flags(app, options.eval.convert);
  app.footer(
      "Examples:\n"
      "  voxconv eval tests/data/song.flac tests/data/speech.flac --voice kathleen --csv eval.csv\n\n"
      "docs/evaluation.md says what each figure means.");
}

/// A figure of a table; "-" where the measure is undefined.
std::string cell(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-"; }

std::string row_text(const std::string& name, const EvalRow& row) {
  return fmt::format("{:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6}  {}", cell(row.seconds, 1), cell(row.f0_correlation, 4),
                     cell(row.f0_median_cents, 1), cell(row.secs_target, 3), cell(row.secs_source, 3), cell(row.secs_source_target, 3),
                     cell(row.loudness_error_db, 2), cell(row.rtf, 3), name);
}

std::string table_text(const EvalReport& report) {
  std::string text = fmt::format("{:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6}  {}", "s", "f0 corr", "cents", "target", "source",
                                 "before", "loud dB", "rtf", "file");
  for (const EvalRow& row : report.rows) text += "\n" + row_text(row.source, row);
  return text + "\n" + row_text("mean", report.mean);
}

int run_eval(Session& session, const EvalCommand& options) {
  options.eval.convert.validate();
  const Voice voice = Voice::load(options.voice, session.load);
  const EvalReport report = evaluate(voice, options.eval, session.console.progress(), session.cancel);
  session.console.end_progress();
  if (!options.json.empty()) write_data_file(options.json, report.to_json() + "\n");
  if (!options.csv.empty()) write_data_file(options.csv, report.to_csv());
  session.console.result(table_text(report), {{"event", "evaluated"}, {"report", Console::Json::parse(report.to_json())}});
  return 0;
}

}  // namespace

void setup_eval(CLI::App& app, Session& session) {
  add_command<EvalCommand>(app, session, "eval", "Measure a voice on a set of sources", define_eval, run_eval);
}

}  // namespace voxconv::cli
