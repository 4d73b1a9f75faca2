#include "voxconv/bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "convert/jobs.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/fail.h"
#include "core/stage_clock.h"
#include "eval/flop_count.h"
#include "eval/machine.h"
#include "eval/made_song.h"
#include "nn/graph.h"
#include "voxconv/audio_io.h"
#include "voxconv/converter.h"

namespace voxconv {
namespace {

using Clock = std::chrono::steady_clock;

/// Takes audio and forgets it: the disk is not what is measured.
class Drain : public AudioWriter {
 public:
  void write(const AudioBuffer&) override {}
  void finish() override {}
};

std::unique_ptr<AudioReader> open_source(const BenchOptions& options) {
  if (options.source.empty()) return std::make_unique<eval::MadeSong>(options.seconds);
  return open_reader(options.source);
}

void check(const BenchOptions& options) {
  if (!(options.seconds >= 0.5 && options.seconds <= 36000))
    fail(ErrorCode::usage, "The song to measure with is to be {} seconds long; from 0.5 to 36000 are possible.", options.seconds);
  if (options.repeat < 1 || options.repeat > 1000)
    fail(ErrorCode::usage, "The measurement is to be repeated {} times; from 1 to 1000 are possible.", options.repeat);
  if (options.files < 1 || options.files > 1000)
    fail(ErrorCode::usage, "The song is to be converted {} times in a run; from 1 to 1000 are possible.", options.files);
  if (options.jobs < 0 || options.jobs > 256) fail(ErrorCode::usage, "jobs is {}; expected 1 to 256, or 0 to choose.", options.jobs);
  options.convert.validate();
}

struct NamedStage {
  const char* name;
  Stage stage;
  double StageSeconds::*seconds;
};
constexpr NamedStage named_stages[] = {
    {"read", Stage::read, &StageSeconds::read},
    {"content", Stage::content, &StageSeconds::content},
    {"f0", Stage::f0, &StageSeconds::f0},
    {"retrieval", Stage::retrieval, &StageSeconds::retrieval},
    {"synthesis", Stage::synthesis, &StageSeconds::synthesis},
    {"post", Stage::post, &StageSeconds::post},
};

/// The song `options.files` times, `jobs` at the same time: the sums of what they report, with the time that passed and the first one's
/// first audio.
ConvertReport convert_all(Converter& converter, const BenchOptions& options, int jobs, torch::Device device, const CancelToken& cancel) {
  std::vector<ConvertReport> reports(std::size_t(options.files));
  std::atomic<std::size_t> next = 0;
  std::vector<Converter> others;
  for (int job = 1; job < jobs; ++job) others.push_back(converter.another());
  const auto work = [&](int job) {
    Converter& own = job == 0 ? converter : others[std::size_t(job - 1)];
    for (std::size_t i; (i = next++) < reports.size();) {
      const auto reader = open_source(options);
      Drain writer;
      reports[i] = own.run(*reader, writer, {}, cancel);
    }
  };
  const Clock::time_point start = Clock::now();
  in_jobs(jobs, device, work, [&] { next = reports.size(); });
  ConvertReport all;
  all.wall_s = seconds_since(start);
  all.first_audio_s = reports.front().first_audio_s;
  for (const ConvertReport& report : reports) {
    all.source_s += report.source_s;
    for (const NamedStage& stage : named_stages) all.stages.*stage.seconds += report.stages.*stage.seconds;
  }
  return all;
}

std::string precision_name(torch::ScalarType type) { return type == torch::kBFloat16 ? "bf16" : type == torch::kHalf ? "fp16" : "fp32"; }

}  // namespace

BenchReport bench(const std::string& voice_name, const LoadOptions& load, const BenchOptions& options, const ProgressFn& progress,
                  const CancelToken& cancel) try {
  const ProgressFn on_progress = of_caller(progress);
  check(options);
  const Clock::time_point start = Clock::now();
  const Voice voice = Voice::load(voice_name, load);
  Converter converter(voice, options.convert);
  BenchReport report;
  report.load_s = seconds_since(start);
  report.loaded_memory = eval::resident_bytes();
  const Voice::Impl& parts = voice.impl();
  report.voice = voice.info().name;
  report.architecture = voice.info().architecture;
  report.device = parts.device.str();
  report.precision = precision_name(parts.precision);
  report.threads = at::get_num_threads();

  report.files = options.files;
  report.jobs = std::min(options.files, options.jobs > 0 ? options.jobs : default_jobs(parts.device));

  // A GPU records in its first two runs what it replays from then on.
  const int warm_up = parts.device.is_cpu() ? 1 : 3;
  int done = 0;
  const auto run = [&] {
    if (on_progress) on_progress({"bench", double(done++), double(options.repeat + warm_up), "runs", ""});
    return convert_all(converter, options, report.jobs, parts.device, cancel);
  };
  for (const NamedStage& stage : named_stages) report.stages.push_back({stage.name});
  {
    // The first run warms caches and kernels up; what it computes is counted meanwhile, its time is not measured.
    const eval::FlopCount count;
    const nn::NoGraphs none;
    run();
    for (std::size_t i = 0; i < report.stages.size(); ++i) report.stages[i].gflop = eval::FlopCount::of(named_stages[i].stage) / 1e9;
  }
  for (int i = 1; i < warm_up; ++i) run();
  std::vector<ConvertReport> runs;
  for (int i = 0; i < options.repeat; ++i) runs.push_back(run());
  std::sort(runs.begin(), runs.end(), [](const ConvertReport& a, const ConvertReport& b) { return a.wall_s < b.wall_s; });
  const ConvertReport& median = runs[(runs.size() - 1) / 2];
  report.source_s = median.source_s;
  report.wall_s = median.wall_s;
  report.wall_min_s = runs.front().wall_s;
  report.wall_max_s = runs.back().wall_s;
  report.first_audio_s = median.first_audio_s;
  for (std::size_t i = 0; i < report.stages.size(); ++i) report.stages[i].seconds = median.stages.*named_stages[i].seconds;

  report.peak_memory = eval::most_resident_bytes();
  cancel.check();
  report.peak_fp32_gflops = eval::peak_gflops(parts.device, torch::kFloat);
  report.peak_gflops = parts.precision == torch::kFloat ? report.peak_fp32_gflops : eval::peak_gflops(parts.device, parts.precision);
  if (on_progress) on_progress({"bench", double(done), double(done), "runs", ""});
  return report;
} catch (...) {
  throw_as_error();
}

std::string BenchReport::to_json() const {
  using Json = nlohmann::ordered_json;
  Json json{{"voice", voice},
            {"architecture", architecture},
            {"device", device},
            {"precision", precision},
            {"threads", threads},
            {"files", files},
            {"jobs", jobs},
            {"load_s", load_s},
            {"source_s", source_s},
            {"wall_s", wall_s},
            {"wall_min_s", wall_min_s},
            {"wall_max_s", wall_max_s},
            {"rtf", rtf()},
            {"first_audio_s", first_audio_s},
            {"peak_fp32_gflops", peak_fp32_gflops},
            {"peak_gflops", peak_gflops},
            {"loaded_memory", loaded_memory},
            {"peak_memory", peak_memory},
            {"stages", Json::array()}};
  for (const BenchStage& stage : stages)
    json["stages"].push_back({{"name", stage.name},
                              {"seconds", stage.seconds},
                              {"gflop", stage.gflop},
                              {"gflops", stage.seconds > 0 ? stage.gflop / stage.seconds : 0}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace voxconv
