#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "voxconv/converter.h"
#include "voxconv/mix.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// Shares of the whole work that its stages take.
constexpr double read_share = 0.08, convert_share = 0.9;

std::unique_ptr<voxconv::AudioWriter> open_writer(const std::string& path, int rate, int channels, const voxconv::Tags& tags) {
  voxconv::WriteOptions format;
  format.rate = rate;
  format.channels = channels;
  format.tags = tags;
  return voxconv::open_writer(path, format);
}

}  // namespace

JobOutput AudioRunner::convert(const JobTask& task) {
  const Recording recording = find_recording(task.job.recording);
  const json parameters = json::parse(task.job.parameters);
  auto options = voxconv::ConvertOptions::from_json(parameters.value("options", json::object()).dump());
  const double start_s = parameters.value("start_s", 0.0), end_s = parameters.value("end_s", -1.0);
  const std::string source = blobs_.local_path(recording.blob);
  task.progress.report(0, "reading");
  const voxconv::Voice loaded = voices_.get(task.job.voice);
  if (voxconv::open_reader(source)->info().channels > 2) options.keep_stereo = false;  // no player takes more than two
  voxconv::Converter converter(loaded, options);
  const voxconv::VoiceInfo& voice = converter.voice();

  Song song;
  song.id = task.job.song;
  song.recording = recording.id;
  song.job = task.job.id;
  song.voice = voice.name;
  song.voice_title = voice.title;
  song.voice_version = voice.version;
  song.title = parameters.value("title", "");
  song.options = parameters.value("options", json::object()).dump();
  song.preview = parameters.value("preview", false);
  song.created = task.job.created;
  const voxconv::Tags tags{{"title", song.title}}, converted_tags = voxconv::provenance_tags(tags, voice, options);
  const auto file = [&](const char* name) { return task.folder + "/" + name; };
  const int rate = converter.output_rate();

  PartReader part(voxconv::open_reader(source), start_s, end_s, task.cancel,
                  [&](double share) { task.progress.report(read_share * share, "reading"); });
  const int channels = std::min(part.info().channels, 2);
  TeeWriter original;
  original.add(open_writer(file("original.flac"), rate, channels, tags));
  original.add(open_writer(file("original.mp3"), rate, channels, tags));
  voxconv::mix({{&part, 1}}, original, rate, channels, {}, task.cancel);
  if (part.seconds() <= 0) throw PermanentJobError("There is nothing in the chosen part of the recording.");

  PartReader again(voxconv::open_reader(source), start_s, end_s, task.cancel,
                   [&](double share) { task.progress.report(read_share + convert_share * share, "converting"); });
  TeeWriter converted;
  const int converted_channels = converter.output_channels(again.info().channels);
  converted.add(open_writer(file("converted.flac"), rate, converted_channels, converted_tags));
  converted.add(open_writer(file("converted.mp3"), rate, converted_channels, converted_tags));
  const voxconv::ConvertReport report = converter.run(again, converted, {}, task.cancel);
  const std::vector<double> peaks = converted.peaks();
  if (report.voiced == 0 && std::all_of(peaks.begin(), peaks.end(), [](double peak) { return peak == 0; }))
    throw PermanentJobError("Nobody is to be heard in the chosen part of the recording, so there is nothing to convert.");
  if (fell_silent(original.peaks(), peaks))
    throw PermanentJobError(
        "Nothing can be heard of this part in the chosen voice, so nothing was charged. Try another part, or a recording of the voice "
        "alone.");
  task.progress.report(read_share + convert_share, "writing");

  song.key = report.key;
  song.duration_s = report.source_s;
  song.peaks = json{{"original", original.peaks()}, {"converted", peaks}}.dump();
  JobOutput output;
  const std::string folder = "songs/" + song.id;
  for (const auto& [name, key] : {std::pair{"original.flac", &song.original},
                                  {"original.mp3", &song.original_playable},
                                  {"converted.flac", &song.converted},
                                  {"converted.mp3", &song.converted_playable}}) {
    *key = attempt_key(folder, task.job.attempts, name);
    output.files.push_back({folder, name, file(name)});
  }
  output.result = json{{"song", song.id}, {"limiter_gain_db", report.limiter_gain_db}, {"seconds", report.wall_s}}.dump();
  song.files = output.described(task.job.attempts).dump();
  output.keep = [song](Transaction& transaction) mutable {
    song.account = transaction.jobs().find(song.job).value().account;
    transaction.songs().add(song);
    return true;
  };
  return output;
}

}  // namespace webwrap
