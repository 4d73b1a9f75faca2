#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "app.h"
#include "convert_flags.h"
#include "data_file.h"
#include "plots.h"
#include "voxconv/error.h"
#include "voxconv/evaluator.h"

namespace voxconv::cli {
namespace {

struct EvalCommand {
  EvalOptions eval;
  std::string voice, json, csv, plots;
  bool vocoder_only = false;
};

void define_eval(CLI::App& app, EvalCommand& options) {
  app.add_option("source", options.eval.sources, "Audio files or folders")->required()->type_name("SOURCE");
  CLI::Option* voice =
      app.add_option("-v,--voice", options.voice, "A voice of \"voxconv voices list\", or a bundle folder")->type_name("VOICE");
  const char* group = "Evaluation";
  app.add_flag("--vocoder-only", options.vocoder_only,
               "Instead of a voice: each recording through the native vocoder, compared with itself")
      ->excludes(voice)
      ->group(group);
  app.add_option("--reference", options.eval.references, "Recordings of the voice; else the embedding stored in its bundle")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--language", options.eval.language, "Of the words in the sources: en, de, ja ...; else told from each")
      ->type_name("CODE")
      ->group(group);
  app.add_option("--json", options.json, "Write the report here (events: voxconv --json eval ...)")->type_name("FILE")->group(group);
  app.add_option("--csv", options.csv, "Write the report here")->type_name("FILE")->group(group);
  app.add_option("--save", options.eval.save_dir, "Keep the converted files here")->type_name("DIR")->group(group);
  app.add_option("--plots", options.plots, "Write a picture for each file here: spectrograms of source, result and target")
      ->type_name("DIR")
      ->group(group);
  add_convert_flags(app, options.eval.convert);
  app.footer(
      "Examples:\n"
      "  voxconv eval tests/data/song.flac tests/data/speech.flac --voice kathleen --csv eval.csv\n"
      "  voxconv eval recordings/ --voice me --reference recordings/ --plots pictures\n"
      "  voxconv eval recordings/ --vocoder-only\n\n"
      "docs/evaluation.md says what each figure means.");
}

/// A figure of a table; "-" where the measure is undefined.
std::string cell(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-"; }

std::string row_text(const std::string& name, const EvalRow& row) {
  return fmt::format("{:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9} {:>6} {:>6} {:>6} {:>6}  {}", cell(row.seconds, 1),
                     cell(row.f0_correlation, 4), cell(row.f0_median_cents, 1), cell(row.f0_agreement, 3), cell(row.secs_target, 3),
                     cell(row.secs_source, 3), cell(row.secs_source_target, 3), cell(row.timbre_target, 3),
                     cell(row.level_difference_db, 2), cell(row.spectrum_distance_db, 1), cell(row.breath_change_db, 1), cell(row.cer, 3),
                     cell(row.result_sound.ovrl, 2), cell(row.rtf, 3), name);
}

std::string files_text(const EvalReport& report) {
  std::string text =
      fmt::format("{:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9} {:>6} {:>6} {:>6} {:>6}  {}", "s", "f0 corr", "cents",
                  "agree", "target", "source", "before", "timbre", "level dB", "spectr dB", "breath", "CER", "OVRL", "rtf", "file");
  for (const EvalRow& row : report.rows) text += "\n" + row_text(row.source, row);
  return text + "\n" + row_text("mean", report.mean);
}

/// Measures of single recordings: one line for results, sources and the target's recordings.
std::string sounds_text(const EvalReport& report) {
  using Figures = SoundFigures;
  const auto range = [](int low, int high) { return fmt::format("{:.3g}-{:.3g}", low / 1000.0, high / 1000.0); };
  std::string text = fmt::format("{:8}", "kHz");
  for (std::size_t i = 0; i + 1 < Figures::band_edges.size(); ++i)
    text += fmt::format("{:>9}", range(Figures::band_edges[i], Figures::band_edges[i + 1]));
  text += fmt::format("{:>9}{:>7}{:>6}{:>6}{:>6}  periodic:", ">16", "HNR", "SIG", "BAK", "OVRL");
  for (std::size_t i = 0; i + 1 < Figures::periodicity_edges.size(); ++i)
    text += fmt::format("{:>6}", range(Figures::periodicity_edges[i], Figures::periodicity_edges[i + 1]));
  const auto line = [&](const char* name, const Figures& sound) {
    text += fmt::format("\n{:8}", name);
    for (const double level : sound.band_db) text += fmt::format("{:>9}", cell(level, 1));
    text += fmt::format("{:>9}{:>7}{:>6}{:>6}{:>6}{:11}", cell(sound.above_16k_db, 1), cell(sound.hnr_db, 1), cell(sound.sig, 2),
                        cell(sound.bak, 2), cell(sound.ovrl, 2), "");
    for (const double value : sound.periodicity) text += fmt::format("{:>6}", cell(value, 2));
  };
  line("results", report.mean.result_sound);
  line("sources", report.mean.source_sound);
  line("target", report.target_sound);
  return text;
}

int run_eval(Session& session, const EvalCommand& options) {
  options.eval.convert.validate(OptionNames::flags);
  if (options.voice.empty() && !options.vocoder_only)
    throw Error(ErrorCode::usage, "Name the voice to measure (--voice), or measure the vocoder alone (--vocoder-only).");
  EvalOptions eval = options.eval;
  if (!options.plots.empty()) {
    std::error_code none;  // where the folder cannot be made, the first picture says so
    std::filesystem::create_directories(options.plots, none);
    eval.on_spectrograms = [&](const std::string& name, const std::vector<Spectrogram>& spectrograms) {
      write_data_file((std::filesystem::path(options.plots) / (name + ".png")).string(), plot_spectrograms(spectrograms));
    };
  }
  const ProgressFn progress = session.console.progress();
  const EvalReport report = options.vocoder_only ? evaluate_vocoder(eval, session.load, progress, session.cancel)
                                                 : evaluate(Voice::load(options.voice, session.load), eval, progress, session.cancel);
  session.console.end_progress();
  if (!options.json.empty()) write_data_file(options.json, report.to_json() + "\n");
  if (!options.csv.empty()) write_data_file(options.csv, report.to_csv());
  session.console.result(files_text(report) + "\n\n" + sounds_text(report),
                         {{"event", "evaluated"}, {"report", Console::Json::parse(report.to_json())}});
  return 0;
}

}  // namespace

void setup_eval(CLI::App& app, Session& session) {
  add_command<EvalCommand>(app, session, "eval", "Measure a voice on a set of sources", define_eval, run_eval);
}

}  // namespace voxconv::cli
