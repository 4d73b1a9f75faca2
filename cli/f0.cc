#include "voxconv/f0.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app.h"
#include "data_file.h"
#include "plots.h"
#include "watched_reader.h"

namespace voxconv::cli {
namespace {

struct F0Command {
  std::string source, output;
  F0Options f0;
};

void define_f0(CLI::App& app, F0Command& options) {
  app.add_option("source", options.source, "Audio file; - is standard input")->required()->type_name("SOURCE");
  app.add_option("-o,--output", options.output, "f0.csv (lines of time,Hz), f0.npy or a plot f0.png")->required()->type_name("FILE");
  app.add_option("--f0", options.f0.estimator, "How the pitch is found")
      ->type_name(fmt::format("{}", fmt::join(f0_estimators(), "|")))
      ->check(CLI::IsMember(f0_estimators()).description(""))
      ->capture_default_str();
  app.add_option("--f0-min", options.f0.min_hz, "Lowest pitch to look for")->type_name("HZ")->capture_default_str();
  app.add_option("--f0-max", options.f0.max_hz, "Highest pitch to look for")->type_name("HZ")->capture_default_str();
  app.footer(
      "Examples:\n"
      "  voxconv f0 tests/data/song.flac -o f0.csv\n"
      "  voxconv f0 tests/data/song.flac --f0 pyin -o f0.png\n\n"
      "\"voxconv convert --f0-file\" takes the CSV and NPY files, for example after a correction by hand.");
}

int run_f0(Session& session, const F0Command& options) {
  const bool plot = options.output.ends_with(".png");
  if (!plot && !options.output.ends_with(".csv") && !options.output.ends_with(".npy"))
    throw Error(ErrorCode::usage, fmt::format("{} is no .csv, .npy or .png.", options.output));
  F0Options f0 = options.f0;
  f0.device = session.load.device;
  const auto source = open_reader(options.source);
  WatchedReader reader(*source, "f0", session.console.progress(), session.cancel);
  const F0Track track = estimate_f0(reader, f0);
  session.cancel.check();
  if (plot)
    write_data_file(options.output, plot_f0(track, fmt::format("{} ({})", options.source, f0.estimator)));
  else
    write_f0_file(options.output, track);

  std::vector<float> voiced;
  std::copy_if(track.hz.begin(), track.hz.end(), std::back_inserter(voiced), [](float hz) { return hz > 0; });
  std::sort(voiced.begin(), voiced.end());
  const double median = voiced.empty() ? 0 : voiced[voiced.size() / 2],
               share = track.hz.empty() ? 0 : double(voiced.size()) / double(track.hz.size());
  session.console.result(
      fmt::format("{}: {} frames, {:.0f} % voiced, median {:.1f} Hz", options.output, track.hz.size(), share * 100, median),
      {{"event", "f0"},
       {"source", options.source},
       {"target", options.output},
       {"frames", track.hz.size()},
       {"frame_rate", track.frame_rate},
       {"voiced", share},
       {"median_hz", median}});
  return 0;
}

}  // namespace

void setup_f0(CLI::App& app, Session& session) {
  add_command<F0Command>(app, session, "f0", "Write the pitch of a recording to a file, or plot it", define_f0, run_f0);
}

}  // namespace voxconv::cli
