#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "log/log.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

using nlohmann::json;

std::unique_ptr<voxconv::AudioWriter> open_stem(const std::string& path, const voxconv::AudioInfo& song) {
  voxconv::WriteOptions format;
  format.rate = song.rate;
  format.channels = voxconv::Separator::stem_channels(song.channels);
  return voxconv::open_writer(path, format);
}

/// Copies the vocals of a part out of those that are kept in `file`; false: they are not whole.
bool copy_vocals(const std::string& file, const Recording& recording, double start_s, double end_s, const JobTask& task,
                 const std::string& path) try {
  auto kept = voxconv::open_reader(file);
  const int rate = kept->info().rate;
  const auto frame = [&](double seconds) { return std::llround(seconds * rate); };
  const double first = double(frame(start_s) - frame(recording.stems_start_s)), count = double(frame(end_s) - frame(start_s));
  PartReader part(std::move(kept), first / rate, (first + count) / rate, task.cancel);
  const auto writer = open_stem(path, part.info());
  for (voxconv::AudioBuffer audio; part.read(audio, std::size_t(rate));) writer->write(audio);
  writer->finish();
  return frame(part.seconds()) == frame(end_s) - frame(start_s);
} catch (const voxconv::Error& error) {
  if (error.code() != voxconv::ErrorCode::bad_audio && error.code() != voxconv::ErrorCode::not_found) throw;
  return false;
}

}  // namespace

voxconv::Separator& AudioRunner::separator() {
  if (!separator_) {
    voxconv::LoadOptions options;
    options.threads = config_.worker_threads;
    separator_.emplace(options);
  }
  return *separator_;
}

bool AudioRunner::has_room(const Recording& recording, std::int64_t bytes) {
  bool fits = false;
  store_.read([&](Transaction& transaction) {
    const auto account = transaction.accounts().find(recording.account);
    if (!account) return;
    const std::int64_t quota = account->kind == AccountKind::guest ? config_.guest_quota_bytes : config_.quota_bytes;
    fits = transaction.recordings().bytes_of(recording.account) + transaction.voices().bytes_of(recording.account) - recording.stems_bytes +
               bytes <=
           quota;
  });
  return fits;
}

AudioRunner::PartVocals AudioRunner::vocals_of(const JobTask& task, const Recording& recording, double start_s, double end_s,
                                               double share) {
  PartVocals part;
  part.path = task.folder + "/vocals.flac";
  if (recording.has_stems(start_s, end_s)) {
    if (blobs_.size(recording.vocals) >= 0 && copy_vocals(blobs_.local_path(recording.vocals), recording, start_s, end_s, task, part.path))
      return part;
    log(Level::warning, "separated vocals are gone or damaged, made again", {{"recording", recording.id}, {"job", task.job.id}});
  }
  part.separated = true;
  const std::string music_path = task.folder + "/instrumental.mp3";
  PartReader song(voxconv::open_reader(blobs_.local_path(recording.blob)), start_s, end_s, task.cancel,
                  [&](double read) { task.progress.report(share * read, "separating"); });
  const auto vocals = open_stem(part.path, song.info()), music = open_stem(music_path, song.info());
  const voxconv::SeparateReport report = separator().run(song, {{"vocals", vocals.get()}, {"music", music.get()}}, {}, task.cancel);
  if (report.source_s <= 0) throw PermanentJobError("There is nothing in the chosen part of the recording.");

  const std::string folder = fmt::format("recordings/{}/stems/{}", recording.id, task.job.id);
  JobOutput stems;
  stems.files = {{folder, "vocals.flac", part.path}, {folder, "music.mp3", music_path}};
  const json described = stems.described(task.job.attempts);
  std::int64_t bytes = 0;
  for (const json& file : described) bytes += file.at("size").get<std::int64_t>();
  if (!has_room(recording, bytes)) return part;
  const auto obsolete = stems.obsolete = std::make_shared<std::vector<std::string>>();
  stems.keep = [=, id = recording.id, attempt = task.job.attempts](Transaction& transaction) {
    auto now = transaction.recordings().find(id);
    if (!now) return false;
    obsolete->clear();
    json files = json::parse(now->files, nullptr, false);
    if (!files.is_object()) files = json::object();
    for (const std::string& key : {now->vocals, now->music})
      if (!key.empty()) {
        obsolete->push_back(key);
        files.erase(key);
      }
    files.update(described);
    now->files = files.dump();
    now->vocals = attempt_key(folder, attempt, "vocals.flac");
    now->music = attempt_key(folder, attempt, "music.mp3");
    now->stems_start_s = start_s;
    now->stems_end_s = start_s + report.source_s;
    now->stems_bytes = bytes;
    transaction.recordings().update(*now);
    return true;
  };
  part.stems = std::move(stems);
  return part;
}

JobOutput AudioRunner::separate(const JobTask& task) {
  const Recording recording = find_recording(task.job.recording);
  PartVocals part = vocals_of(task, recording, 0, recording.duration_s, 1);
  if (part.separated && !part.stems)
    throw PermanentJobError("There is no room for the music of this song; delete recordings that you do not need, then try again.");
  return part.stems.value_or(JobOutput());
}

}  // namespace webwrap
