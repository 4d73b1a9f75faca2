#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "voxconv/key.h"
#include "voxconv/mix.h"
#include "voxconv/trainer.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"

namespace webwrap {
namespace {

constexpr double duration_tolerance_s = 1;  ///< containers count the encoder's padding
constexpr int max_playable_rate = 48000;
/// Samples of all channels for each second of max_duration_s: 192 kHz with two channels, 48 kHz with eight. A file of some hundred
/// kilobytes can hold ten times as many, all of which would have to be decoded.
constexpr double max_samples_per_s = 384'000;

/// Of a voice's recording: it is in memory as a whole where its pauses are looked for.
constexpr double max_voice_recording_s = 600;
/// A phrase is some twenty words.
constexpr double max_phrase_s = 60;

/// Whether a sound says of itself that its voice was made by a program.
bool is_converted(const voxconv::Tags& tags) { return tags.contains("voxconv_ai_converted"); }

}  // namespace

JobOutput AudioRunner::analyse(const JobTask& task) {
  Recording recording = find_recording(task.job.recording);
  const std::string source = blobs_.local_path(recording.blob), playable = task.folder + "/playable.mp3";
  const PermanentJobError too_long(
      fmt::format("This recording is longer than {:g} minutes, which is the most that is taken here.", config_.max_duration_s / 60));

  auto opened = voxconv::open_reader(source);
  const double per_second = double(opened->info().rate) * opened->info().channels;
  const double max_s = std::min(config_.max_duration_s, config_.max_duration_s * max_samples_per_s / per_second);
  const bool of_voice = !recording.voice.empty();
  if (of_voice && is_converted(opened->info().tags))
    throw PermanentJobError("This was sung by a converted voice; your own voice is made of recordings of yourself only.");
  const PermanentJobError too_much(
      fmt::format("This recording has {} channels at {} Hz, of which at most {:.1f} minutes are taken here; save it with 48000 Hz.",
                  opened->info().channels, opened->info().rate, max_s / 60));
  const auto check_length = [&](double seconds) {
    if (seconds > config_.max_duration_s) throw too_long;
    if (seconds > max_s) throw too_much;
    if (!recording.consent.empty() && seconds > max_phrase_s)
      throw PermanentJobError("This is longer than a minute; speak the phrase and nothing else.");
    if (of_voice && seconds > max_voice_recording_s)
      throw PermanentJobError(fmt::format("This recording is longer than {:g} minutes; cut it into several.", max_voice_recording_s / 60));
  };
  if (opened->info().frames > 0) check_length(double(opened->info().frames) / opened->info().rate - duration_tolerance_s);
  PartReader reader(std::move(opened), 0, max_s + duration_tolerance_s, task.cancel,
                    [&](double share) { task.progress.report(0.6 * share, "reading"); });
  const voxconv::AudioInfo& info = reader.info();
  voxconv::WriteOptions format;
  format.rate = std::min(info.rate, max_playable_rate);
  format.channels = std::min(info.channels, 2);
  TeeWriter writer;
  writer.add(voxconv::open_writer(playable, format));
  voxconv::mix({{&reader, 1}}, writer, format.rate, format.channels, {}, task.cancel);
  recording.duration_s = reader.seconds();
  check_length(recording.duration_s);
  if (recording.duration_s < Recording::shortest_s)
    throw PermanentJobError("This recording is shorter than half a second: there is nothing to convert in it.");

  const std::string heard = task.folder + "/heard.wav";
  if (recording.backing.empty() && !of_voice) {  // else it is a voice alone, whatever else a microphone heard
    PartReader listened(voxconv::open_reader(source), 0, -1, task.cancel,
                        [&](double share) { task.progress.report(0.6 + 0.2 * share, "listening"); });
    voxconv::WriteOptions vocals;
    vocals.rate = listened.info().rate;
    vocals.channels = voxconv::Separator::stem_channels(listened.info().channels);
    const auto levels =
        voxconv::measure_stems(separator(), listened, recording.duration_s, voxconv::open_writer(heard, vocals).get(), task.cancel);
    recording.has_music = levels.has_music();
    recording.has_vocals = levels.has_vocals();
  }
  // The pitch of a song is that of its singer.
  const bool of_vocals = recording.has_music && recording.has_vocals;
  PartReader again(voxconv::open_reader(of_vocals ? heard : source), 0, -1, task.cancel,
                   [&](double share) { task.progress.report(0.8 + 0.2 * share, "listening"); });
  const voxconv::PitchRange range = voxconv::measure_pitch_range(again, {}, {}, task.cancel);
  recording.f0_low = range.low;
  recording.f0_median = range.median;
  recording.f0_high = range.high;

  // Clips that lie close together share what stays around each.
  if (of_voice) recording.usable_s = std::min(recording.duration_s, voxconv::usable_seconds(source));

  const std::string folder = "recordings/" + recording.id;
  recording.playable = attempt_key(folder, task.job.attempts, "playable.mp3");
  recording.peaks = attempt_key(folder, task.job.attempts, "peaks.json");
  recording.state = Recording::State::ready;
  JobOutput output;
  output.files = {{folder, "playable.mp3", playable}, {folder, "peaks.json", "", nlohmann::json{{"peaks", writer.peaks()}}.dump()}};
  auto files = output.described(task.job.attempts);
  files[recording.blob] = {{"size", recording.size}, {"sha256", sha256_of_file(source)}};
  recording.files = files.dump();
  output.keep = [recording](Transaction& transaction) mutable {
    const auto now = transaction.recordings().find(recording.id);
    if (!now) return false;
    recording.account = now->account;
    transaction.recordings().update(recording);
    return true;
  };
  if (!recording.consent.empty()) {
    JobOutput checked;
    checked.keep = check_consent(task, recording);
    output.include(std::move(checked));
  }
  return output;
}

}  // namespace webwrap
