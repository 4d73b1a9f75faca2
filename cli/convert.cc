#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app.h"
#include "batch_output.h"
#include "convert_flags.h"
#include "voxconv/audio_io.h"
#include "voxconv/batch.h"

namespace voxconv::cli {
namespace fs = std::filesystem;
namespace {

struct ConvertCommand {
  std::vector<std::string> sources;
  std::string voice, output, raw;
  BatchOptions batch;  ///< its inputs, jobs ... and, for a single file too, the format, bitrate and conversion
};

void define_convert(CLI::App& app, ConvertCommand& options) {
  app.add_option("source", options.sources, "Audio files, folders or patterns such as 'songs/*.flac'; - is standard input")
      ->required()
      ->type_name("SOURCE");
  app.add_option("-v,--voice", options.voice, "A voice of \"voxconv voices list\", or a bundle folder")->required()->type_name("VOICE");
  CLI::Option* output =
      app.add_option("-o,--output", options.output, "File to write for one source; - is standard output")->type_name("FILE");
  add_output_flags(app, output, options.raw, options.batch);
  add_convert_flags(app, options.batch.convert);
  app.footer(
      "Examples:\n"
      "  voxconv convert tests/data/song.flac --voice kathleen -o out.wav\n"
      "  voxconv convert tests/data/song.flac --voice kathleen --key auto --seed 7 -o out.flac\n"
      "  voxconv convert tests/data/*.flac --voice kathleen --out-dir converted --name-template '{stem}.{voice}.{ext}'\n"
      "  ffmpeg -v error -i tests/data/song.flac -f wav - | voxconv convert - --voice kathleen -o - > out.wav\n\n"
      "With several sources one that fails does not stop the rest; the exit status is then that of the first failure.");
}

Console::Json report_json(const BatchItem& item) {
  const ConvertReport& report = item.report;
  return {{"target", item.target},
          {"source_s", report.source_s},
          {"wall_s", report.wall_s},
          {"first_audio_s", report.first_audio_s},
          {"rtf", report.source_s > 0 ? report.wall_s / report.source_s : 0},
          {"key", report.key},
          {"limiter_gain_db", report.limiter_gain_db},
          {"voiced", report.voiced}};
}

std::string report_text(const BatchItem& item) {
  const ConvertReport& report = item.report;
  std::string text = speed_text(report.source_s, report.wall_s);
  if (report.key != 0) text += fmt::format(", key {:+g}", report.key);
  if (report.limiter_gain_db != 0) text += fmt::format(", limiter at most {:.1f} dB", report.limiter_gain_db);
  return text;
}

DoneText converted_text() { return {"convert", "converted", report_json, report_text}; }

int convert_one(Session& session, const ConvertCommand& options) {
  FileJob job;
  job.source = options.sources.front();
  job.target = options.output;
  job.format = options.batch.format;
  job.bitrate_kbps = options.batch.bitrate_kbps;
  if (!options.raw.empty()) {
    job.read.raw = RawFormat::parse(options.raw);
    job.raw = *job.read.raw;
  }
  if (job.target == "-") session.console.give_stdout_to_data();
  if (std::error_code none; job.source != "-" && job.target != "-" && fs::equivalent(job.source, job.target, none))
    throw Error(ErrorCode::usage, fmt::format("{} would be replaced by its own conversion; name another output file.", job.source));
  // Errors of the source are reported before the voice is loaded, which takes seconds. A pipe can be opened only once.
  if (std::error_code none; job.source != "-" && (fs::is_regular_file(job.source, none) || !fs::exists(job.source, none)))
    open_reader(job.source, job.read);
  const Voice voice = Voice::load(options.voice, session.load, options.batch.convert);
  Converter converter(voice, options.batch.convert);
  BatchItem done;
  done.source = job.source;
  done.target = job.target;
  done.report = convert_file(converter, job, session.console.progress(), session.cancel);
  session.console.end_progress();
  print_done(session, converted_text(), done);
  return 0;
}

int convert_many(Session& session, const ConvertCommand& options) {
  if (!options.raw.empty()) throw Error(ErrorCode::usage, "--raw goes with one source and -o.");
  BatchOptions batch = options.batch;
  batch.inputs = options.sources;
  LoadOptions load = session.load;
  load.jobs = batch.jobs;
  const Voice voice = Voice::load(options.voice, load, batch.convert);
  BatchOutput output(session, converted_text(), plan_batch(batch, voice.info()).size());
  return output.finish(convert_batch(voice, batch, output.callbacks(), session.cancel));
}

int run_convert(Session& session, const ConvertCommand& options) {
  options.batch.convert.validate(OptionNames::flags);
  if (options.output.empty()) {
    if (std::find(options.sources.begin(), options.sources.end(), "-") != options.sources.end())
      throw Error(ErrorCode::usage, "Standard input needs a file to write to: add -o FILE, or -o - for standard output.");
    return convert_many(session, options);
  }
  if (std::error_code none; options.sources.size() != 1 || fs::is_directory(options.sources.front(), none))
    throw Error(ErrorCode::usage, "-o names the file for one source; with several sources or a folder use --out-dir.");
  return convert_one(session, options);
}

}  // namespace

void setup_convert(CLI::App& app, Session& session) {
  add_command<ConvertCommand>(app, session, "convert", "Convert songs or speech to a voice", define_convert, run_convert);
}

}  // namespace voxconv::cli
