#include "batch_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "voxconv/audio_io.h"

namespace voxconv::cli {

void add_output_flags(CLI::App& app, CLI::Option* output, std::string& raw, BatchOptions& options) {
  const char* files = "Files";
  output->group(files);
  app.add_option("--format", options.format, "Instead of the one the file's name tells")
      ->type_name(fmt::format("{}", fmt::join(write_formats(), "|")))
      ->check(CLI::IsMember(write_formats()).description(""))
      ->group(files);
  app.add_option("--bitrate", options.bitrate_kbps, "Of mp3, ogg, opus and m4a; 0: a good default")
      ->type_name("KBPS")
      ->check(CLI::Range(0, 1024).description(""))
      ->group(files);
  app.add_option("--raw", raw, "The source is headerless PCM (s16, s24, s32, f32); also the sample format of --format raw")
      ->type_name("RATE,CHANNELS,FORMAT")
      ->group(files);
  const char* many = "Many files";
  app.add_option("--out-dir", options.out_dir, "Folder to write to, with the folders of the sources; else beside each source")
      ->type_name("DIR")
      ->excludes(output)
      ->group(many);
  app.add_option("--name-template", options.name_template, "Names of the files written: {stem} {source_ext} {n} {voice} {key} {ext}")
      ->type_name("TEXT")
      ->capture_default_str()
      ->excludes(output)
      ->group(many);
  app.add_option("-j,--jobs", options.jobs, "Files at the same time; 0: 1 on the CPU, 4 on a GPU")
      ->type_name("N")
      ->check(CLI::Range(0, 256).description(""))
      ->capture_default_str()
      ->group(many);
  app.add_flag("--skip-existing", options.skip_existing, "Leave files that exist already alone; otherwise they are replaced")
      ->excludes(output)
      ->group(many);
}

std::string speed_text(double source_s, double wall_s) {
  return fmt::format("{} of audio in {:.1f} s ({:.1f} times real time)", clock_text(source_s), wall_s, wall_s > 0 ? source_s / wall_s : 0);
}

void print_done(Session& session, const DoneText& done, const BatchItem& item) {
  Console::Json event{{"event", done.verb}, {"source", item.source}};
  event.update(done.json(item));
  if (session.json)
    session.console.result("", event);
  else
    session.console.note(fmt::format("{}: {}", item.target == "-" ? "standard output" : item.target, done.text(item)));
}

BatchOutput::BatchOutput(Session& session, DoneText done, std::size_t total)
    : session_(session), text_(std::move(done)), show_(session.console.progress()), total_(double(total)) {}

BatchCallbacks BatchOutput::callbacks() {
  BatchCallbacks callbacks;
  callbacks.on_end = [this](const BatchItem& item) { on_end(item); };
  callbacks.on_progress = [this](const BatchItem& item, const Progress& report) { on_progress(item, report); };
  return callbacks;
}

void BatchOutput::on_progress(const BatchItem& item, const Progress& progress) {
  if (session_.json) {
    Progress named = progress;
    named.detail = item.source;
    show_(named);
    return;
  }
  at_work_[item.source] = progress.total > 0 ? progress.done / progress.total : 0;
  show(item.source);
}

void BatchOutput::on_end(const BatchItem& item) {
  at_work_.erase(item.source);
  ++done_;
  switch (item.state) {
    case BatchItem::State::converted: print_done(session_, text_, item); break;
    case BatchItem::State::skipped:
      if (session_.json)
        session_.console.result("", {{"event", "skipped"}, {"source", item.source}, {"target", item.target}});
      else
        session_.console.note(fmt::format("{}: there already, skipped", item.target));
      break;
    case BatchItem::State::left_out:
      if (session_.json)
        session_.console.result("", {{"event", "left_out"}, {"source", item.source}, {"reason", item.error}});
      else
        session_.console.note(fmt::format("{}: left out, {}", item.source, item.error));
      break;
    case BatchItem::State::failed:
      session_.console.error(
          item.code, item.error.find(item.source) == std::string::npos ? fmt::format("{}: {}", item.source, item.error) : item.error);
      break;
    case BatchItem::State::waiting: break;
  }
  if (!session_.json) show("");
}

void BatchOutput::show(const std::string& detail) {
  double done = done_;
  for (const auto& [source, share] : at_work_) done += share;
  show_({text_.stage, done, total_, "files", detail});
}

int BatchOutput::finish(const BatchReport& report) {
  session_.console.end_progress();
  using State = BatchItem::State;
  session_.console.result(
      fmt::format("{} {}, {} skipped, {} failed, {} left out, in {}", report.count(State::converted), text_.verb,
                  report.count(State::skipped), report.count(State::failed), report.count(State::left_out), clock_text(report.wall_s)),
      {{"event", "summary"},
       {text_.verb, report.count(State::converted)},
       {"skipped", report.count(State::skipped)},
       {"failed", report.count(State::failed)},
       {"left_out", report.count(State::left_out)},
       {"waiting", report.count(State::waiting)},
       {"wall_s", report.wall_s}});
  if (report.cancelled)
    throw Error(ErrorCode::cancelled, fmt::format("Stopped; {} files are left. The same command with --skip-existing goes on from here.",
                                                  report.count(State::waiting)));
  const auto failed =
      std::find_if(report.items.begin(), report.items.end(), [](const BatchItem& item) { return item.state == State::failed; });
  return failed == report.items.end() ? 0 : exit_status(failed->code);
}

}  // namespace voxconv::cli
