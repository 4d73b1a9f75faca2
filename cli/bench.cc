#include "voxconv/bench.h"

#include <fmt/format.h>

#include "app.h"
#include "convert_flags.h"

namespace voxconv::cli {
namespace {

struct BenchCommand {
  BenchOptions bench;
  std::string voice;
};

void define_bench(CLI::App& app, BenchCommand& options) {
  app.add_option("voice", options.voice, "A voice of \"voxconv voices list\", a bundle folder or a checkpoint")
      ->required()
      ->type_name("VOICE");
  const char* group = "Measurement";
  app.add_option("--seconds", options.bench.seconds, "Length of the song that is made to measure with")
      ->type_name("0.5..36000 s")
      ->capture_default_str()
      ->group(group);
  app.add_option("--source", options.bench.source, "Measure with this audio file instead")->type_name("FILE")->group(group);
  app.add_option("--repeat", options.bench.repeat, "Runs to measure, after one that is not")
      ->type_name("1..1000")
      ->capture_default_str()
      ->group(group);
  app.add_option("--files", options.bench.files, "Convert the song so many times in each run, as a folder of files")
      ->type_name("1..1000")
      ->capture_default_str()
      ->group(group);
  app.add_option("-j,--jobs", options.bench.jobs, "Of these at the same time; 0: 1 on the CPU, 4 on a GPU")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  add_convert_flags(app, options.bench.convert);
  app.footer(
      "Examples:\n"
      "  voxconv bench kathleen\n"
      "  voxconv bench singer.pth --precision bf16 --seconds 200\n\n"
      "docs/performance.md says what each figure means.");
}

std::string share(double part, double whole) { return whole > 0 ? fmt::format("{:.0f}", 100 * part / whole) : "-"; }

std::string table_text(const BenchReport& report) {
  std::string text =
      fmt::format("{} ({}) on {}, {}, {} threads", report.voice, report.architecture, report.device, report.precision, report.threads);
  text += report.files > 1 ? fmt::format("; {} songs, {} at the same time\n", report.files, report.jobs) : "\n";
  text += fmt::format(
      "loaded in {:.2f} s; {:.1f} s of audio in {:.2f} s ({:.2f} to {:.2f}), real-time factor {:.3f}; first audio after {:.2f} s\n",
      report.load_s, report.source_s, report.wall_s, report.wall_min_s, report.wall_max_s, report.rtf(), report.first_audio_s);
  text += fmt::format("\n{:<10} {:>8} {:>6} {:>9} {:>9} {:>10}\n", "stage", "s", "% time", "GFLOP", "GFLOP/s", "% of peak");
  for (const BenchStage& stage : report.stages) {
    const bool computes = stage.gflop >= 0.1;
    const double rate = stage.seconds > 0 ? stage.gflop / stage.seconds : 0;
    text += fmt::format("{:<10} {:>8.3f} {:>6} {:>9} {:>9} {:>10}\n", stage.name, stage.seconds, share(stage.seconds, report.wall_s),
                        computes ? fmt::format("{:.1f}", stage.gflop) : "-", computes ? fmt::format("{:.0f}", rate) : "-",
                        computes ? share(rate, report.peak_gflops) : "-");
  }
  text += fmt::format("\nthe machine's peak, measured now: {:.0f} GFLOP/s in {}", report.peak_gflops, report.precision);
  if (report.peak_gflops != report.peak_fp32_gflops) text += fmt::format(", {:.0f} in fp32", report.peak_fp32_gflops);
  constexpr double mib = 1 << 20;
  text += fmt::format("\nmemory: {:.0f} MiB once loaded, {:.0f} MiB at most", double(report.loaded_memory) / mib,
                      double(report.peak_memory) / mib);
  return text;
}

int run_bench(Session& session, const BenchCommand& options) {
  LoadOptions load = session.load;
  load.jobs = options.bench.jobs;
  const BenchReport report = bench(options.voice, load, options.bench, session.console.progress(), session.cancel);
  session.console.end_progress();
  session.console.result(table_text(report), {{"event", "measured"}, {"report", Console::Json::parse(report.to_json())}});
  return 0;
}

}  // namespace

void setup_bench(CLI::App& app, Session& session) {
  add_command<BenchCommand>(app, session, "bench", "Measure how fast a voice converts, and where the time goes", define_bench, run_bench);
}

}  // namespace voxconv::cli
