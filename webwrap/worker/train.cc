#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "domain/clock.h"
#include "store/voice_steps.h"
#include "voxconv/trainer.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"
#include "worker/training_folder.h"

namespace webwrap {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Of the whole work, what the features of the recordings take, and the sample at the end.
constexpr double prepare_share = 0.2, sample_share = 0.02;
constexpr double checkpoint_minutes = 1;
constexpr double most_used_minutes = 20;  ///< of recordings: their features are in memory, 20 MB a minute
/// How long a training goes on at least before it makes room for others: it takes some seconds until it is where it was.
constexpr std::chrono::seconds shortest_turn(30);
constexpr double sample_s = 12;

/// A recording's file under a name that is the same in each attempt and says what kind of file it is: by both, and by its time, the trainer
/// knows that a checkpoint belongs to it. A link, so that it takes no room.
void link_recording(const fs::path& folder, const Recording& recording, const std::string& blob) {
  std::string extension = fs::path(recording.name).extension().string();
  const bool plain = extension.size() >= 2 && extension.size() <= 6 &&
                     std::all_of(extension.begin() + 1, extension.end(), [](unsigned char c) { return c < 0x80 && std::isalnum(c); });
  const fs::path link = folder / (recording.id + (plain ? extension : ""));
  if (fs::exists(link)) return;
  std::error_code error;
  fs::create_hard_link(blob, link, error);
  if (!error) return;
  fs::copy_file(blob, link);
  fs::last_write_time(link, fs::last_write_time(blob));
}

/// Files of recordings that are gone must not be trained from.
void remove_others(const fs::path& folder, const std::vector<Recording>& recordings) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (std::none_of(recordings.begin(), recordings.end(), [&](const Recording& one) { return entry.path().stem() == one.id; }))
      fs::remove(entry.path());
}

std::string sample_of_another(const std::string& voice) {
  for (const voxconv::VoiceInfo& other : voxconv::VoiceStore().list()) {
    if (other.name == voice) continue;
    std::error_code ignored;
    for (fs::directory_iterator item(other.path, ignored), end; item != end; item.increment(ignored))
      if (item->path().stem() == "sample") return item->path().string();
  }
  return {};
}

}  // namespace

JobOutput AudioRunner::train(const JobTask& task) {
  const Id id = task.job.voice;
  std::optional<OwnVoice> voice;
  std::vector<Recording> recordings;
  std::string consent;
  store_.read([&](Transaction& transaction) {
    voice = transaction.voices().find(id);
    Seconds asked = 0;
    for (const Consent& one : transaction.voices().consents(id))
      if (one.verdict == Consent::Verdict::accepted && consent.empty()) {
        consent = one.id;
        asked = one.asked;
      }
    // Only what was there to be compared when the consent was asked for.
    for (const Recording& recording : transaction.voices().recordings(id))
      if (recording.consent.empty() && recording.state == Recording::State::ready && recording.created <= asked &&
          recording.usable_s >= OwnVoice::shortest_recording_s)
        recordings.push_back(recording);
  });
  if (!voice || voice->state != OwnVoice::State::training) throw PermanentJobError("This voice was withdrawn.");

  const TrainingFolder folder(config_, id);
  const fs::path dir = folder.path(), data = dir / "recordings", bundle = dir / "bundle";
  fs::create_directories(data);
  remove_others(data, recordings);
  for (const Recording& recording : recordings) link_recording(data, recording, blobs_.local_path(recording.blob));
  if (recordings.empty()) throw PermanentJobError("The recordings of this voice are gone.");
  fs::remove_all(bundle);  // of an attempt that ended between it and its blobs

  voxconv::TrainOptions options;
  options.data = {data.string()};
  options.name = id;
  options.title = voice->title;
  options.language = voice->language;
  options.gender = voice->gender;
  options.licence = "For conversions on the service that made it, as long as its owner offers it.";
  options.consent = fmt::format("Given by the speaker to the service that made it: consent {}.", consent);
  options.out_dir = bundle.string();
  options.work_dir = (dir / "work").string();
  options.max_minutes = most_used_minutes;
  options.minutes = config_.training_steps > 0 ? 0 : config_.training_minutes;
  options.steps = config_.training_steps;
  options.threads = config_.worker_threads;
  options.checkpoint_minutes = checkpoint_minutes;

  bool makes_room = false;
  std::optional<std::chrono::steady_clock::time_point> began;
  const auto on_progress = [&](const voxconv::Progress& step) {
    const double share = step.total > 0 ? std::min(1.0, step.done / step.total) : 0;
    if (step.stage != "train") return task.progress.report(prepare_share * share, "preparing");
    task.progress.report(prepare_share + (1 - prepare_share - sample_share) * share, "training");
    const auto now = std::chrono::steady_clock::now();
    if (!began) began = now;
    if (now - *began < shortest_turn || task.cancel.cancelled()) return;
    store_.read(
        [&](Transaction& transaction) { makes_room = transaction.jobs().is_anyone_waiting(task.job.priority, SystemClock().up()); });
    if (makes_room) voxconv::CancelToken(task.cancel).cancel();
    began = now;  // asked again after another turn
  };
  voxconv::TrainReport report;
  try {
    report = voxconv::train_voice(options, on_progress, task.cancel);
  } catch (const voxconv::Error& error) {
    if (makes_room && error.code() == voxconv::ErrorCode::cancelled) throw JobPaused(0, "others are waiting");
    throw;
  }

  task.progress.report(1 - sample_share, "writing");
  JobOutput output;
  const std::string prefix = "voices/" + id;
  output.files = {{prefix, "bundle/voice.json", (bundle / "voice.json").string()},
                  {prefix, "bundle/weights.safetensors", (bundle / "weights.safetensors").string()},
                  {prefix, "sample.mp3", make_voice_sample(task, bundle.string(), recordings.front())}};
  const json files = output.described(task.job.attempts);
  OwnVoice made;
  made.bundle = attempt_key(prefix, task.job.attempts, "bundle");
  made.sample = attempt_key(prefix, task.job.attempts, "sample.mp3");
  made.sha256 = report.voice.sha256;
  made.files = files.dump();
  for (const json& file : files) made.bytes += file.at("size").get<std::int64_t>();
  made.usable_s = report.data_s;
  made.f0_low = report.voice.f0_low;
  made.f0_median = report.voice.f0_median;
  made.f0_high = report.voice.f0_high;
  output.result = json{{"steps", report.steps}, {"trained", report.trained}, {"loss", report.loss}}.dump();
  output.keep = [id, made](Transaction& transaction) {
    auto now = transaction.voices().find(id);
    if (!now || now->state != OwnVoice::State::training) return false;
    voice_steps::finish_training(transaction, *now, made, SystemClock().now());
    return true;
  };
  return output;
}

std::string AudioRunner::make_voice_sample(const JobTask& task, const std::string& bundle, const Recording& own) {
  voxconv::LoadOptions load;
  load.threads = config_.worker_threads;
  const voxconv::Voice voice = voxconv::Voice::load(bundle, load);
  voxconv::ConvertOptions options;
  options.key_auto = true;
  const std::string other = sample_of_another(task.job.voice);
  PartReader source(voxconv::open_reader(other.empty() ? blobs_.local_path(own.blob) : other), 0, sample_s, task.cancel);
  voxconv::Converter converter(voice, options);
  voxconv::WriteOptions format;
  format.rate = converter.output_rate();
  format.channels = converter.output_channels(source.info().channels);
  format.tags = voxconv::provenance_tags({}, converter.voice(), options);
  const std::string path = task.folder + "/sample.mp3";
  converter.run(source, *voxconv::open_writer(path, format), {}, task.cancel);
  return path;
}

}  // namespace webwrap
