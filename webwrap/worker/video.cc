#include "voxconv/video.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "worker/audio_runner.h"
#include "worker/picture.h"
#include "worker/song_mix.h"
#include "worker/video_painter.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int video_sound_rate = 44100;
constexpr double fade_in_s = 0.05, fade_out_s = 1.5;

/// The largest magnitudes of equal stretches, VideoScene::levels_per_s of them a second.
std::vector<double> levels_of(voxconv::AudioReader& sound, double& seconds) {
  const double stretch = sound.info().rate / VideoScene::levels_per_s;
  std::vector<double> levels;
  std::int64_t frames = 0;
  for (voxconv::AudioBuffer audio; sound.read(audio, std::size_t(sound.info().rate));)
    for (std::size_t i = 0; i < audio.frames(); ++i, ++frames) {
      const auto at = std::size_t(double(frames) / stretch);
      if (at >= levels.size()) levels.resize(at + 1);
      for (const auto& channel : audio.channels) levels[at] = std::max(levels[at], double(std::abs(channel[i])));
    }
  seconds = double(frames) / sound.info().rate;
  const double most = levels.empty() ? 0 : *std::max_element(levels.begin(), levels.end());
  // A soft song's bars move as far as a loud one's; small ones are raised, since ears hear them so.
  for (double& level : levels) level = most > 0 ? std::pow(level / most, 0.8) : 0;
  return levels;
}

/// So that a part that is cut out of a song neither clicks nor breaks off.
void fade(voxconv::AudioBuffer& audio, std::int64_t at, double seconds, bool from_start, bool to_end) {
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(at + std::int64_t(i)) / audio.rate;
    const double in = from_start ? 1 : std::min(1.0, t / fade_in_s), out = to_end ? 1 : std::clamp((seconds - t) / fade_out_s, 0.0, 1.0);
    for (auto& channel : audio.channels) channel[i] *= float(in * out);
  }
}

}  // namespace

JobOutput AudioRunner::make_video(const JobTask& task) {
  std::optional<Song> song;
  std::optional<Picture> cover;
  store_.read([&](Transaction& transaction) {
    song = transaction.songs().find(task.job.song);
    cover = transaction.releases().picture_of(task.job.song);
  });
  if (!song) throw PermanentJobError("The song was removed.");
  const json parameters = json::parse(task.job.parameters);
  const double start_s = parameters.at("start_s"), end_s = start_s + parameters.at("length_s").get<double>();
  const bool vertical = parameters.at("shape") == "vertical";

  const std::string sound_path = task.folder + "/sound.flac", path = task.folder + "/video.mp4";
  SongMix mix(*song, Blend::of(parameters), blobs_, start_s, end_s, task.cancel,
              [&task](double share) { task.progress.report(0.1 * share, "mixing"); });
  voxconv::WriteOptions plain;
  plain.rate = video_sound_rate;
  plain.channels = 2;
  mix.write(*voxconv::open_writer(sound_path, plain), plain.rate, plain.channels);

  VideoScene scene;
  scene.height = vertical ? 1920 : 1080;
  scene.title = song->title;
  scene.voice = fmt::format("Sung with the voice {}", song->voice_title);
  scene.label = "AI-converted vocal";
  scene.footer = "Made with voxconv";
  if (cover) {
    const std::int64_t size = blobs_.size(cover->small);
    if (size > 0) scene.cover = decode_picture(blobs_.read(cover->small, 0, size));
  }
  scene.levels = levels_of(*voxconv::open_reader(sound_path), scene.seconds);
  const double seconds = scene.seconds;
  if (seconds <= 0) throw PermanentJobError("There is nothing in the chosen part of the song.");

  voxconv::VideoOptions options;
  options.width = scene.width;
  options.height = scene.height;
  options.rate = plain.rate;
  options.channels = plain.channels;
  options.max_seconds = seconds + 1;
  options.threads = config_.worker_threads;
  options.tags = mix.tags();
  const auto writer = voxconv::open_video_writer(path, options);
  VideoPainter painter(std::move(scene));
  const auto sound = voxconv::open_reader(sound_path);
  const auto pictures = std::int64_t(std::ceil(seconds * options.frame_rate));
  const bool from_start = start_s <= 0, to_end = end_s >= song->duration_s - 0.01;
  std::int64_t heard = 0;
  for (std::int64_t i = 0; i < pictures; ++i) {
    task.cancel.check();
    const auto until = std::int64_t(std::llround(double(i + 1) * plain.rate / options.frame_rate));
    for (voxconv::AudioBuffer audio; heard < until && sound->read(audio, std::size_t(until - heard));) {
      fade(audio, heard, seconds, from_start, to_end);
      heard += std::int64_t(audio.frames());
      writer->write_sound(audio);
    }
    writer->write_picture(painter.picture_at(double(i) / options.frame_rate), painter.stride());
    task.progress.report(0.1 + 0.9 * double(i) / double(pictures), "drawing");
  }
  writer->finish();

  JobOutput output;
  const std::string folder = fmt::format("songs/{}/videos", song->id), name = task.job.id + ".mp4";
  output.files = {{folder, name, path}};
  output.result = json{{"blob", attempt_key(folder, task.job.attempts, name)},
                       {"file_name", song->title + ".mp4"},
                       {"type", "video/mp4"},
                       {"files", output.described(task.job.attempts)}}
                      .dump();
  output.keep = [id = song->id](Transaction& transaction) { return transaction.songs().find(id).has_value(); };
  return output;
}

}  // namespace webwrap
