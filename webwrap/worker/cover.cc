#include "voxconv/cover.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "voxconv/mix.h"
#include "worker/audio_runner.h"
#include "worker/song_draft.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// Of the whole work, what separation takes.
constexpr double separate_share = 0.25;
/// By how much a voice that was recorded apart from the music may be raised or lowered to stand beside it.
constexpr double least_voice_gain = 0.25, most_voice_gain = 16;
/// Room for a voice and music that add up.
constexpr double take_headroom_db = -3;

/// How loud the loudest tenth of a sound is, by its outline.
double loud_level(std::vector<double> peaks) {
  if (peaks.empty()) return 0;
  std::sort(peaks.begin(), peaks.end(), std::greater());
  return peaks[peaks.size() / 10];
}

}  // namespace

JobOutput AudioRunner::convert_song(const JobTask& task, const Recording& recording, const json& parameters) {
  voxconv::CoverOptions options;
  options.convert = voxconv::ConvertOptions::from_json(parameters.value("options", json::object()).dump());
  const double start_s = parameters.at("start_s"), end_s = parameters.at("end_s");
  PartVocals part = vocals_of(task, recording, start_s, end_s, separate_share);
  const double before = part.separated ? separate_share : 0;
  const voxconv::Voice voice = voice_of(task.job);
  SongDraft draft(task, parameters, voice.info(), options.convert);

  voxconv::CoverJob job;
  job.name = recording.id;
  job.vocals = part.path;
  job.open_song = [&] {
    return std::make_unique<PartReader>(voxconv::open_reader(blobs_.local_path(recording.blob)), start_s, end_s, task.cancel);
  };
  job.open_writers = [&](const voxconv::StemLevels& levels) {
    if (!levels.has_vocals())
      throw PermanentJobError("No singing was found in the chosen part of this song, so nothing was charged. Choose another part.");
    const voxconv::AudioInfo info = job.open_song()->info();
    const auto open = [&](const char* name) { return &draft.open(name, info.rate, voxconv::Separator::stem_channels(info.channels)); };
    return voxconv::CoverWriters{open("cover"), open("original"), open("converted"), open("music")};
  };
  voxconv::CoverMaker maker(voice, separator(), options);
  const auto on_progress = [&](const voxconv::Progress& step) {
    task.progress.report(before + (1 - before) * (step.total > 0 ? std::min(1.0, step.done / step.total) : 0), "converting");
  };
  const voxconv::CoverReport report = maker.run(job, on_progress, task.cancel);
  draft.require_voice(report.convert);
  draft.song.gain_db = report.gain_db;
  JobOutput output = draft.output(report.convert);
  if (part.stems) output.include(std::move(*part.stems));
  return output;
}

JobOutput AudioRunner::convert_take(const JobTask& task, const Recording& take, const json& parameters) {
  std::optional<Recording> backing;
  store_.read([&](Transaction& transaction) { backing = transaction.recordings().find(take.backing); });
  if (!backing || backing->account != take.account || blobs_.size(backing->blob) < 0)
    throw PermanentJobError("The song that this was sung to has been removed, so its music is gone. Switch the music off.");
  const auto options = voxconv::ConvertOptions::from_json(parameters.value("options", json::object()).dump());
  const double start_s = parameters.at("start_s"), end_s = parameters.at("end_s");
  const voxconv::Voice voice = voice_of(task.job);
  const int rate = voxconv::Converter(voice, options).output_rate();
  SongDraft draft(task, parameters, voice.info(), options);
  const auto open_take = [&] { return PartReader(voxconv::open_reader(blobs_.local_path(take.blob)), start_s, end_s, task.cancel); };
  {
    const double music_start_s = take.backing_start_s + start_s;
    const double music_end_s = std::max(music_start_s, std::min(backing->duration_s, take.backing_start_s + end_s));
    PartReader song(voxconv::open_reader(blobs_.local_path(backing->blob)), music_start_s, music_end_s, task.cancel,
                    [&](double read) { task.progress.report(separate_share * read, "reading"); });
    std::vector<voxconv::MixSource> sources{{&song, 1}};
    std::unique_ptr<voxconv::AudioReader> vocals;
    if (!take.backing_whole && music_end_s > music_start_s) {
      vocals = voxconv::open_reader(vocals_of(task, *backing, music_start_s, music_end_s, separate_share).path);
      sources.push_back({vocals.get(), -1});
    }
    voxconv::mix(sources, draft.open("music", rate, 2), rate, 2, {}, task.cancel);
  }
  // A microphone's level says nothing of how loud the singer wants to be: as loud as the music, to begin with.
  PeakMeter sung;
  PartReader heard = open_take();
  for (voxconv::AudioBuffer audio; heard.read(audio, std::size_t(heard.info().rate));) sung.add(audio);
  if (heard.seconds() <= 0) throw PermanentJobError("There is nothing in the chosen part of the recording.");
  const double music_level = loud_level(draft.sound("music").peaks()), voice_level = loud_level(sung.values());
  const double gain =
      music_level > 0.01 && voice_level > 0.001 ? std::clamp(music_level / voice_level, least_voice_gain, most_voice_gain) : 1;

  PartReader dry = open_take();
  const int channels = std::min(dry.info().channels, 2);
  voxconv::mix({{&dry, gain}}, draft.open("original", rate, channels), rate, channels, {}, task.cancel);
  voxconv::Converter converter(voice, options);
  PartReader again(voxconv::open_reader(draft.path("original.flac")), 0, -1, task.cancel,
                   [&](double read) { task.progress.report(separate_share + (1 - separate_share) * read, "converting"); });
  TeeWriter& converted = draft.open("converted", rate, converter.output_channels(again.info().channels));
  const voxconv::ConvertReport report = converter.run(again, converted, {}, task.cancel);
  draft.require_voice(report);

  const auto voice_part = voxconv::open_reader(draft.path("converted.flac")), music = voxconv::open_reader(draft.path("music.flac"));
  draft.song.gain_db = take_headroom_db;
  const double whole = linear(take_headroom_db);
  voxconv::mix({{voice_part.get(), whole}, {music.get(), whole}}, draft.open("cover", rate, 2), rate, 2, {}, task.cancel);
  return draft.output(report);
}

}  // namespace webwrap
