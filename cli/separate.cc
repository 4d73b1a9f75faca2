#include "voxconv/separate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "app.h"
#include "batch_output.h"
#include "convert_flags.h"

namespace voxconv::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* default_format = "flac";

struct SeparateCommand {
  std::vector<std::string> sources, stems{"vocals", "music"};
  std::string model = separators().front(), model_settings, output, raw;
  BatchOptions batch;  ///< its format, bitrate and jobs
};

void define_separate(CLI::App& app, SeparateCommand& options) {
  app.add_option("source", options.sources, "Songs: audio files, folders or patterns such as 'songs/*.flac'; - is standard input")
      ->required()
      ->type_name("SOURCE");
  app.add_option("-o,--output", options.output,
                 "Folder to write NAME-vocals.flac, NAME-music.flac ... to; - for one stem to standard output")
      ->required()
      ->type_name("DIR");
  app.add_option("--stems", options.stems,
                 "What is wanted of vocals,music and the stems of the model, or all; lead,backing: the vocals apart")
      ->type_name("LIST")
      ->delimiter(',')
      ->default_str("vocals,music");
  add_separator_flags(app, options.model, options.model_settings);
  app.add_option("--format", options.batch.format, "Of the stems; wavf also holds what reaches above full scale")
      ->type_name(fmt::format("{}", fmt::join(write_formats(), "|")))
      ->check(CLI::IsMember(write_formats()).description(""))
      ->default_str("flac, of a pipe wav16");
  app.add_option("--bitrate", options.batch.bitrate_kbps, "Of mp3, ogg, opus and m4a; 0: a good default")
      ->type_name("KBPS")
      ->check(CLI::Range(0, 1024).description(""));
  app.add_option("--raw", options.raw, "The source is headerless PCM (s16, s24, s32, f32)")->type_name("RATE,CHANNELS,FORMAT");
  app.add_option("-j,--jobs", options.batch.jobs, "Files at the same time; 0: 1 on the CPU, 4 on a GPU")
      ->type_name("N")
      ->check(CLI::Range(0, 256).description(""))
      ->capture_default_str();
  app.add_flag("--skip-existing", options.batch.skip_existing, "Leave stems that exist already alone; otherwise they are replaced");
  app.footer(
      "Examples:\n"
      "  voxconv separate tests/data/song.flac -o stems\n"
      "  voxconv separate tests/data/song.flac --stems music --format mp3 -o karaoke\n"
      "  voxconv separate song.mp3 --model htdemucs --stems drums,bass -o stems\n"
      "  voxconv separate song.mp3 --stems lead,backing,music -o stems\n\n"
      "vocals + music = song, and lead + backing = vocals, sample by sample; the latter takes a karaoke model\n"
      "(voxconv models get melband-roformer-karaoke). With several songs one that fails does not stop the rest; the exit status is then\n"
      "that of the first failure.");
}

Console::Json separated_json(const BatchItem& item) {
  const SeparateReport& report = *item.separation;
  return {{"stems", report.files},
          {"source_s", report.source_s},
          {"wall_s", report.wall_s},
          {"rtf", report.source_s > 0 ? report.wall_s / report.source_s : 0},
          {"vocals_db", report.levels.vocals_db},
          {"music_db", report.levels.music_db},
          {"lasting_music_db", report.levels.lasting_music_db},
          {"has_vocals", report.levels.has_vocals()},
          {"has_music", report.levels.has_music()},
          {"peak_db", report.peak_db}};
}

std::string separated_text(const BatchItem& item) {
  const SeparateReport& report = *item.separation;
  return speed_text(report.source_s, report.wall_s) + (!report.levels.has_vocals()  ? "; no vocals were found"
                                                       : !report.levels.has_music() ? "; no music was found"
                                                                                    : "");
}

DoneText done_text() { return {"separate", "separated", separated_json, separated_text}; }

/// Lead voice and backing vocals take two models.
Separator load_separator(const LoadOptions& load, const SeparateCommand& options) {
  const bool apart = std::ranges::any_of(options.stems, [](const std::string& stem) { return stem == "lead" || stem == "backing"; });
  return apart ? Separator::with_backing(load, options.model, options.model_settings)
               : Separator(load, options.model, options.model_settings);
}

std::vector<std::string> wanted_stems(const Separator& separator, const SeparateCommand& options) {
  return options.stems == std::vector<std::string>{"all"} ? separator.stems() : options.stems;
}

/// A source that is given by itself and is no folder, or a pipe.
int separate_one(Session& session, const SeparateCommand& options) {
  SeparateJob job;
  job.source = options.sources.front();
  job.format = options.batch.format;
  job.bitrate_kbps = options.batch.bitrate_kbps;
  if (!options.raw.empty()) {
    job.read.raw = RawFormat::parse(options.raw);
    job.raw = *job.read.raw;
  }
  if (options.output == "-") {
    if (options.stems.size() != 1 || options.stems.front() == "all")
      throw Error(ErrorCode::usage, "Standard output takes one stem: add --stems vocals or --stems music.");
    if (job.format.empty()) job.format = "wav16";
    session.console.give_stdout_to_data();
  }
  if (job.format.empty()) job.format = default_format;
  if (std::error_code none; job.source != "-" && (fs::is_regular_file(job.source, none) || !fs::exists(job.source, none)))
    open_reader(job.source, job.read);
  const Separator separator = load_separator(session.load, options);
  const std::string extension = job.format.starts_with("wav") ? "wav" : job.format;
  for (const std::string& stem : wanted_stems(separator, options)) {
    std::string& target = job.targets[stem];
    target = options.output == "-" ? "-" : stem_path(job.source, options.output, stem, extension);
    if (std::error_code none; job.source != "-" && fs::equivalent(job.source, target, none))
      throw Error(ErrorCode::usage, fmt::format("{} would be replaced by its own stem; name another folder.", job.source));
  }
  if (options.output != "-") {
    std::error_code error;
    fs::create_directories(options.output, error);
    if (error) throw Error(ErrorCode::io, fmt::format("The folder {} cannot be made: {}.", options.output, error.message()));
  }
  BatchItem done;
  done.source = job.source;
  done.separation = std::make_shared<const SeparateReport>(separate_file(separator, job, session.console.progress(), session.cancel));
  session.console.end_progress();
  if (session.json) {
    print_done(session, done_text(), done);
    return 0;
  }
  std::vector<std::string> written;
  for (const auto& [stem, path] : job.targets) written.push_back(path);
  session.console.note(
      fmt::format("{}{}", options.output == "-" ? "" : fmt::format("{}: ", fmt::join(written, ", ")), separated_text(done)));
  return 0;
}

int separate_many(Session& session, const SeparateCommand& options) {
  if (!options.raw.empty() || options.output == "-") throw Error(ErrorCode::usage, "--raw and -o - go with one source.");
  BatchOptions batch = options.batch;
  batch.inputs = options.sources;
  batch.out_dir = options.output;
  if (batch.format.empty()) batch.format = default_format;
  LoadOptions load = session.load;
  load.jobs = batch.jobs;
  const Separator separator = load_separator(load, options);
  const std::vector<std::string> stems = wanted_stems(separator, options);
  BatchOutput output(session, done_text(), separate_batch_size(separator, batch, stems));
  return output.finish(separate_batch(separator, batch, stems, output.callbacks(), session.cancel));
}

int run_separate(Session& session, const SeparateCommand& options) {
  const std::string& source = options.sources.front();
  std::error_code none;
  const bool one = options.sources.size() == 1 && !options.batch.skip_existing && (source == "-" || !fs::is_directory(source, none)) &&
                   (source == "-" || fs::exists(source, none) || source.find_first_of("*?[") == std::string::npos);
  return one ? separate_one(session, options) : separate_many(session, options);
}

}  // namespace

void setup_separate(CLI::App& app, Session& session) {
  add_command<SeparateCommand>(app, session, "separate", "Take songs apart into vocals and music", define_separate, run_separate);
}

}  // namespace voxconv::cli
