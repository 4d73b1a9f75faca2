#include <fmt/format.h>

#include "app.h"
#include "convert_flags.h"
#include "voxconv/trainer.h"

namespace voxconv::cli {
namespace {

struct TrainCommand {
  TrainOptions train;
  bool no_resume = false;
};

void define_train(CLI::App& app, TrainCommand& options) {
  TrainOptions& train = options.train;
  const auto text = [&](const char* flag, std::string& value, const char* help, const char* type, const char* group) {
    return app.add_option(flag, value, help)->type_name(type)->group(group);
  };
  const char *data = "Recordings", *length = "Training", *card = "Voice card";
  app.add_option("--data", train.data, "Folders with recordings of the voice, searched in depth")
      ->required()
      ->type_name("DIR")
      ->group(data);
  text("--name", train.name, "Of the new voice: lower-case letters, digits, - and _", "NAME", data);
  app.add_option("--max-minutes", train.max_minutes, "Of recordings used per speaker")->type_name("N")->capture_default_str()->group(data);
  app.add_flag("--denoise", train.denoise, "Take background noise out of the recordings first")->group(data);

  app.add_option("--minutes", train.minutes, "Train for this long; without it and --steps: 10")->type_name("N")->group(length);
  app.add_option("--steps", train.steps, "Train for this many steps")->type_name("N")->group(length);
  text("--from", train.from, "Voice, bundle or weights folder to start from; else the base that ships with voxconv", "VOICE", length);
  app.add_flag("--zero-shot", train.zero_shot, "Do not train: the base sings with the speaker's embedding; ready in seconds")
      ->group(length);
  app.add_flag("--compact", train.compact, "Keep only what differs from the base: a voice of 0.9 MB in place of 8, for this base alone")
      ->group(length);
  text("--out", train.out_dir, "Bundle folder to write; else the user's voices", "DIR", length);
  text("--work-dir", train.work_dir, "Feature cache, checkpoints, log and listening samples; else <out>.train", "DIR", length);
  app.add_option("--checkpoint-minutes", train.checkpoint_minutes, "Between two checkpoints")
      ->type_name("N")
      ->capture_default_str()
      ->group(length);
  app.add_flag("--no-resume", options.no_resume, "Start afresh instead of going on from the last checkpoint")->group(length);
  app.add_option("--seed", train.seed, "Of the order of the data and of every chance")
      ->type_name("N")
      ->check(whole_number())
      ->capture_default_str()
      ->group(length);
  text("--stage", train.stage, "voice: a speaker's voice; base, vocoder: the weights that ship, from many speakers", "voice|base|vocoder",
       length)
      ->check(CLI::IsMember({"voice", "base", "vocoder"}).description(""))
      ->capture_default_str();

  text("--title", train.title, "Name for people", "TEXT", card);
  text("--language", train.language, "BCP 47, for example en or pt-BR", "TAG", card);
  text("--gender", train.gender, "Of the voice", "female|male", card);
  text("--licence", train.licence, "Of the voice", "TEXT", card);
  text("--consent", train.consent, "Who allowed the voice to be made and used, and for what", "TEXT", card);
  text("--attribution", train.attribution, "Who is to be named", "TEXT", card);
  app.footer(
      "Examples:\n"
      "  voxconv train --data recordings/anna --name anna --minutes 10 --licence CC-BY-4.0 --consent 'Anna N., for any use'\n"
      "  voxconv convert tests/data/song.flac --voice anna -o out.wav\n\n"
      "Five minutes of recordings make a usable voice. Ctrl-C, or even a power cut, loses at most the minutes since the last\n"
      "checkpoint: the same command goes on from there.");
}

int run_train(Session& session, const TrainCommand& options) {
  TrainOptions train = options.train;
  train.resume = !options.no_resume;
  train.device = session.load.device;
  train.precision = session.load.precision;
  train.threads = session.load.threads;
  const TrainReport report = train_voice(train, session.console.progress(), session.cancel);
  session.console.end_progress();
  const std::string name = report.voice.name.empty() ? train.out_dir : report.voice.name;
  const std::string path = report.voice.path.empty() ? train.out_dir : report.voice.path;
  std::string text = fmt::format("{}: {} of recordings prepared in {}", name, clock_text(report.data_s), clock_text(report.prepare_s));
  if (!train.zero_shot)
    text += fmt::format(", {} steps in {}; {}", report.steps, clock_text(report.train_s),
                        report.loss > 0 ? fmt::format("held-out loss {:.4f}", report.loss) : "too few recordings to hold any out");
  if (report.zero_shot_loss > 0)
    text += fmt::format("\n{}: held-out loss {:.4f} zero-shot, {:.4f} trained",
                        report.trained ? "The trained weights are kept" : "The voice is kept zero-shot, since training made it worse",
                        report.zero_shot_loss, report.loss);
  text += fmt::format("\nvoice {}", path);
  if (!report.log_path.empty()) text += fmt::format("\nlog   {}", report.log_path);
  session.console.result(text, {{"event", "trained"},
                                {"name", name},
                                {"path", path},
                                {"steps", report.steps},
                                {"train_s", report.train_s},
                                {"prepare_s", report.prepare_s},
                                {"data_s", report.data_s},
                                {"loss", report.loss},
                                {"zero_shot_loss", report.zero_shot_loss},
                                {"trained", report.trained},
                                {"log", report.log_path}});
  return 0;
}

}  // namespace

void setup_train(CLI::App& app, Session& session) {
  add_command<TrainCommand>(app, session, "train", "Train a voice from recordings", define_train, run_train);
}

}  // namespace voxconv::cli
