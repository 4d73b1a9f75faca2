#include "voxconv/cover.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app.h"
#include "batch_output.h"
#include "convert_flags.h"

namespace voxconv::cli {
namespace fs = std::filesystem;
namespace {

constexpr double least_told_db = 0.05;  // less is 0.0 as it is printed

struct CoverCommand {
  std::vector<std::string> sources;
  std::string voice, backing, output, raw, model = separators().front(), model_settings;
  bool no_cache = false;
  double cache_gb = 2;
  CoverOptions cover;
  BatchOptions batch;
};

void define_cover(CLI::App& app, CoverCommand& options) {
  options.batch.name_template = "{stem}-{voice}-cover.{ext}";
  app.add_option("source", options.sources, "Songs: audio files, folders or patterns such as 'songs/*.flac'; - is standard input")
      ->required()
      ->type_name("SOURCE");
  app.add_option("-v,--voice", options.voice, "A voice of \"voxconv voices list\", or a bundle folder")->required()->type_name("VOICE");
  CLI::Option* output =
      app.add_option("-o,--output", options.output, "File to write for one song; - is standard output")->type_name("FILE");
  const char* backing = "Backing vocals";
  CLI::Option* voice =
      app.add_option("--backing", options.backing, "Another voice for the backing vocals; takes a karaoke model, see below")
          ->type_name("VOICE")
          ->group(backing);
  add_key_flag(app, "--backing-key", options.cover.backing_key, options.cover.backing_key_auto,
               "Shift the backing vocals: whole octaves from the key of the music; auto: those that suit their voice")
      ->default_str("auto")
      ->needs(voice)
      ->group(backing);
  app.add_option("--backing-gain", options.cover.backing_db, "Of the backing vocals in the mix, besides --vocals-gain")
      ->type_name("-60..24 dB")
      ->capture_default_str()
      ->needs(voice)
      ->group(backing);
  const char* mixing = "Mix";
  app.add_option("--vocals-gain", options.cover.vocals_db, "Of the vocals in the mix")
      ->type_name("-60..24 dB")
      ->capture_default_str()
      ->group(mixing);
  app.add_option("--music-gain", options.cover.music_db, "Of the music in the mix; at 0 it stays as it is")
      ->type_name("-60..24 dB")
      ->capture_default_str()
      ->group(mixing);
  app.add_option_function<std::string>(
         "--reverb", [&options](const std::string& text) { options.cover.reverb = text == "keep" ? VocalReverb::keep : VocalReverb::none; },
         "Of reverberant vocals: take it out before the conversion, and give it back (keep) or not (none)")
      ->type_name("keep|none")
      ->check(CLI::IsMember({"keep", "none"}).description(""))
      ->group(mixing);
  app.add_option("--stems", options.cover.stems_dir, "Also write vocals, converted vocals and music to this folder, as FLAC")
      ->type_name("DIR")
      ->group(mixing);
  add_separator_flags(app, options.model, options.model_settings, mixing);
  app.add_flag("--no-cache", options.no_cache, "Do not keep the separated vocals for the next voice")->group(mixing);
  app.add_option("--cache-size", options.cache_gb, "What the kept vocals may take, in ~/.cache/voxconv/vocals")
      ->type_name("GB")
      ->check(CLI::Range(0.0, 1e4).description(""))
      ->capture_default_str()
      ->group(mixing);
  add_output_flags(app, output, options.raw, options.batch);
  add_convert_flags(app, options.cover.convert);
  app.footer(
      "Examples:\n"
      "  voxconv cover tests/data/song.flac --voice kathleen -o cover.flac\n"
      "  voxconv cover tests/data/song.flac --voice kathleen --key auto --vocals-gain 2 --stems stems -o cover.flac\n"
      "  voxconv cover song.mp3 --voice kathleen --backing kumi -o cover.flac\n\n"
      "The vocals are taken out of the song, converted, and put back where they were; the music stays as it is. With a key other than\n"
      "whole octaves the music is shifted, too, to the same key; auto takes octaves.\n"
      "--backing tells the backing vocals from the lead voice by a karaoke model: that of \"voxconv models get "
      "melband-roformer-karaoke\",\n"
      "or the file of one as --model.\n"
      "With several songs one that fails does not stop the rest; the exit status is then that of the first failure.");
}

Console::Json backing_json(const CoverReport& report) {
  if (!report.backing) return nullptr;
  const BackingReport& backing = *report.backing;
  return {{"found", backing.found},
          {"lead_db", backing.lead_db},
          {"backing_db", backing.backing_db},
          {"key", backing.convert.key},
          {"voiced", backing.convert.voiced}};
}

Console::Json cover_json(const BatchItem& item) {
  const CoverReport& report = *item.cover;
  return {{"target", item.target},
          {"source_s", report.convert.source_s},
          {"wall_s", report.wall_s},
          {"rtf", report.convert.source_s > 0 ? report.wall_s / report.convert.source_s : 0},
          {"key", report.convert.key},
          {"limiter_gain_db", report.convert.limiter_gain_db},
          {"voiced", report.convert.voiced},
          {"separate_s", report.separate_s},
          {"from_cache", report.from_cache},
          {"vocals_db", report.levels.vocals_db},
          {"music_db", report.levels.music_db},
          {"lasting_music_db", report.levels.lasting_music_db},
          {"has_vocals", report.levels.has_vocals()},
          {"has_music", report.levels.has_music()},
          {"gain_db", report.gain_db},
          {"reverb_s", report.reverb_s},
          {"reverb_db", report.reverb_db},
          {"backing", backing_json(report)}};
}

std::string cover_text(const CoverReport& report, VocalReverb reverb) {
  std::string text = speed_text(report.convert.source_s, report.wall_s);
  if (report.convert.key != 0) text += fmt::format(", key {:+g}", report.convert.key);
  if (report.backing && report.backing->found && report.backing->convert.key != report.convert.key)
    text += fmt::format(", backing vocals {:+g}", report.backing->convert.key);
  if (report.convert.limiter_gain_db >= least_told_db) text += fmt::format(", limiter at most {:.1f} dB", report.convert.limiter_gain_db);
  if (report.gain_db <= -least_told_db) text += fmt::format(", {:.1f} dB for the song's own peaks", report.gain_db);
  if (report.reverb_s > 0)
    text += fmt::format(", reverberation of {:.1f} s {}", report.reverb_s, reverb == VocalReverb::keep ? "kept" : "not given back");
  if (report.reverb_s == 0 && reverb != VocalReverb::untreated) text += ", no reverberation was found";
  if (report.from_cache) text += ", its vocals were there already";
  return text;
}

DoneText covered_text(const CoverOptions& options) {
  return {"cover", "covered", cover_json, [reverb = options.reverb](const BatchItem& item) { return cover_text(*item.cover, reverb); }};
}

/// `cover` with the voice for backing vocals, if there is one.
CoverOptions with_backing_voice(const LoadOptions& load, const CoverCommand& options, CoverOptions cover) {
  if (!options.backing.empty()) cover.backing = Voice::load(options.backing, load, cover.backing_options());
  return cover;
}

/// Backing vocals with a voice of their own take two models.
Separator load_separator(const LoadOptions& load, const CoverCommand& options) {
  return options.backing.empty() ? Separator(load, options.model, options.model_settings)
                                 : Separator::with_backing(load, options.model, options.model_settings);
}

int cover_one(Session& session, const CoverCommand& options, const CoverOptions& cover) {
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
    throw Error(ErrorCode::usage, fmt::format("{} would be replaced by its own cover; name another output file.", job.source));
  if (std::error_code none; job.source != "-" && (fs::is_regular_file(job.source, none) || !fs::exists(job.source, none)))
    open_reader(job.source, job.read);
  const Voice voice = Voice::load(options.voice, session.load, cover.convert);
  const CoverOptions both_voices = with_backing_voice(session.load, options, cover);
  CoverMaker maker(voice, load_separator(session.load, options), both_voices);
  BatchItem done;
  done.source = job.source;
  done.target = job.target;
  done.cover = std::make_shared<const CoverReport>(maker.run(job, session.console.progress(), session.cancel));
  session.console.end_progress();
  print_done(session, covered_text(cover), done);
  return 0;
}

int cover_many(Session& session, const CoverCommand& options, const CoverOptions& cover) {
  if (!options.raw.empty()) throw Error(ErrorCode::usage, "--raw goes with one source and -o.");
  BatchOptions batch = options.batch;
  batch.inputs = options.sources;
  batch.convert = cover.convert;
  LoadOptions load = session.load;
  load.jobs = batch.jobs;
  const Voice voice = Voice::load(options.voice, load, cover.convert);
  const CoverOptions both_voices = with_backing_voice(load, options, cover);
  const Separator separator = load_separator(load, options);
  BatchOutput output(session, covered_text(cover), plan_batch(batch, voice.info()).size());
  return output.finish(cover_batch(voice, separator, both_voices, batch, output.callbacks(), session.cancel));
}

int run_cover(Session& session, const CoverCommand& options) {
  CoverOptions cover = options.cover;
  cover.cache_dir = options.no_cache ? "" : user_vocals_cache();
  cover.cache_bytes = std::uint64_t(options.cache_gb * 1e9);
  cover.convert.validate(OptionNames::flags);
  cover.validate();
  if (options.output.empty()) {
    if (std::ranges::find(options.sources, "-") != options.sources.end())
      throw Error(ErrorCode::usage, "Standard input needs a file to write to: add -o FILE, or -o - for standard output.");
    return cover_many(session, options, cover);
  }
  if (std::error_code none; options.sources.size() != 1 || fs::is_directory(options.sources.front(), none))
    throw Error(ErrorCode::usage, "-o names the file for one song; with several songs or a folder use --out-dir.");
  return cover_one(session, options, cover);
}

}  // namespace

void setup_cover(CLI::App& app, Session& session) {
  add_command<CoverCommand>(app, session, "cover", "Make covers: convert the vocals of songs and keep the music", define_cover, run_cover);
}

}  // namespace voxconv::cli
