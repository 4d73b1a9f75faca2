#include "worker/song_draft.h"

#include <algorithm>

namespace webwrap {

using nlohmann::json;

SongDraft::SongDraft(const JobTask& task, const json& parameters, const voxconv::VoiceInfo& voice, const voxconv::ConvertOptions& options)
    : task_(task) {
  song.id = task.job.song;
  song.recording = task.job.recording;
  song.job = task.job.id;
  song.voice = voice.name;
  song.voice_title = parameters.value("voice_title", voice.title);  // its owner may have renamed it since its bundle was made
  song.voice_version = voice.version;
  song.title = parameters.value("title", "");
  song.options = parameters.value("options", json::object()).dump();
  song.preview = parameters.value("preview", false);
  song.created = task.job.created;
  tags_ = {{"title", song.title}};
  converted_tags_ = voxconv::provenance_tags(tags_, voice, options);
}

TeeWriter& SongDraft::open(const std::string& name, int rate, int channels) {
  const bool is_cover = name == "cover", has_voice = is_cover || name == "converted";
  TeeWriter& writer = sounds_[name];
  for (const char* extension : {".flac", ".mp3"}) {
    if (is_cover && extension == std::string(".flac")) continue;
    voxconv::WriteOptions format;
    format.rate = rate;
    format.channels = channels;
    format.tags = has_voice ? converted_tags_ : tags_;
    writer.add(voxconv::open_writer(path(name + extension), format));
  }
  return writer;
}

void SongDraft::require_voice(const voxconv::ConvertReport& report) const {
  const std::vector<double> peaks = sound("converted").peaks();
  if (report.voiced == 0 && std::all_of(peaks.begin(), peaks.end(), [](double peak) { return peak == 0; }))
    throw PermanentJobError("Nobody is to be heard in the chosen part of the recording, so there is nothing to convert.");
  if (fell_silent(sound("original").peaks(), peaks))
    throw PermanentJobError(
        "Nothing can be heard of this part in the chosen voice, so nothing was charged. Try another part, or a recording of the voice "
        "alone.");
}

JobOutput SongDraft::output(const voxconv::ConvertReport& report) {
  song.key = report.key;
  song.duration_s = report.source_s;
  JobOutput output;
  json peaks;
  const std::string folder = "songs/" + song.id;
  const auto take = [&](const std::string& name, std::string& key) {
    key = attempt_key(folder, task_.job.attempts, name);
    output.files.push_back({folder, name, path(name)});
  };
  for (const auto& [name, flac, mp3] :
       {std::tuple{"original", &song.original, &song.original_playable}, std::tuple{"converted", &song.converted, &song.converted_playable},
        std::tuple{"music", &song.music, &song.music_playable}}) {
    if (!sounds_.contains(name)) continue;
    take(std::string(name) + ".flac", *flac);
    take(std::string(name) + ".mp3", *mp3);
  }
  if (sounds_.contains("cover")) take("cover.mp3", song.cover_playable);
  for (const auto& [name, writer] : sounds_) peaks[name] = writer.peaks();
  song.peaks = peaks.dump();
  song.files = output.described(task_.job.attempts).dump();
  output.result = json{{"song", song.id}, {"limiter_gain_db", report.limiter_gain_db}, {"seconds", report.wall_s}}.dump();
  output.keep = [song = song](Transaction& transaction) mutable {
    song.account = transaction.jobs().find(song.job).value().account;
    transaction.songs().add(song);
    return true;
  };
  return output;
}

}  // namespace webwrap
