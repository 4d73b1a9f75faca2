#include <algorithm>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "voxconv/mix.h"
#include "worker/audio_runner.h"
#include "worker/song_draft.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

using nlohmann::json;

/// Shares of the whole work that its stages take.
constexpr double read_share = 0.08, convert_share = 0.9;

}  // namespace

JobOutput AudioRunner::convert(const JobTask& task) {
  const Recording recording = find_recording(task.job.recording);
  const json parameters = json::parse(task.job.parameters);
  bool is_own = false;
  store_.read([&](Transaction& transaction) { is_own = transaction.voices().find(task.job.voice).has_value(); });
  task.progress.report(0, "reading");
  JobOutput output = !parameters.value("keep_music", false) ? convert_voice(task, recording, parameters)
                     : recording.backing.empty()            ? convert_song(task, recording, parameters)
                                                            : convert_take(task, recording, parameters);
  if (!is_own) return output;
  // Of a voice that was taken back while it sang nothing is kept.
  output.keep = [keep = std::move(output.keep), id = task.job.id, name = task.job.voice](Transaction& transaction) {
    const auto voice = transaction.voices().find(name);
    const auto job = transaction.jobs().find(id);
    return voice && job && voice->is_open_to(job->account) && keep(transaction);
  };
  return output;
}

JobOutput AudioRunner::convert_voice(const JobTask& task, const Recording& recording, const json& parameters) {
  auto options = voxconv::ConvertOptions::from_json(parameters.value("options", json::object()).dump());
  const double start_s = parameters.value("start_s", 0.0), end_s = parameters.value("end_s", -1.0);
  const std::string source = blobs_.local_path(recording.blob);
  const voxconv::Voice loaded = voice_of(task.job);
  if (voxconv::open_reader(source)->info().channels > 2) options.keep_stereo = false;  // no player takes more than two
  voxconv::Converter converter(loaded, options);
  SongDraft draft(task, parameters, converter.voice(), options);
  const int rate = converter.output_rate();

  PartReader part(voxconv::open_reader(source), start_s, end_s, task.cancel,
                  [&](double share) { task.progress.report(read_share * share, "reading"); });
  const int channels = std::min(part.info().channels, 2);
  voxconv::mix({{&part, 1}}, draft.open("original", rate, channels), rate, channels, {}, task.cancel);
  if (part.seconds() <= 0) throw PermanentJobError("There is nothing in the chosen part of the recording.");

  PartReader again(voxconv::open_reader(source), start_s, end_s, task.cancel,
                   [&](double share) { task.progress.report(read_share + convert_share * share, "converting"); });
  TeeWriter& converted = draft.open("converted", rate, converter.output_channels(again.info().channels));
  const voxconv::ConvertReport report = converter.run(again, converted, {}, task.cancel);
  draft.require_voice(report);
  task.progress.report(read_share + convert_share, "writing");
  return draft.output(report);
}

}  // namespace webwrap
