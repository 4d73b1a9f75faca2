#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "worker/audio_runner.h"
#include "worker/song_mix.h"
#include "worker/sound.h"

namespace webwrap {

using nlohmann::json;

JobOutput AudioRunner::render(const JobTask& task) {
  std::optional<Song> song;
  store_.read([&](Transaction& transaction) { song = transaction.songs().find(task.job.song); });
  if (!song) throw PermanentJobError("The song was removed.");
  const json parameters = json::parse(task.job.parameters);
  const std::string format = parameters.at("format"), parts = parameters.value("parts", "all");
  SongMix mix(*song, Blend::of(parameters), blobs_, 0, -1, task.cancel, [&task](double share) { task.progress.report(share, "mixing"); });

  voxconv::WriteOptions target;
  target.rate = mix.rate();
  target.channels = mix.channels();
  target.format = format;
  target.tags = mix.tags();
  const std::string path = task.folder + "/render." + format;
  TeeWriter writer;
  writer.add(voxconv::open_writer(path, target));
  mix.write(writer, target.rate, target.channels);

  JobOutput output;
  const std::string folder = fmt::format("songs/{}/renders", song->id), name = fmt::format("{}.{}", task.job.id, format);
  const char* suffix = parts == "vocals" ? " (vocals)" : parts == "music" ? " (instrumental)" : "";
  const char* type = format == "mp3" ? "audio/mpeg" : format == "flac" ? "audio/flac" : "audio/wav";
  output.files = {{folder, name, path}};
  output.result = json{{"blob", attempt_key(folder, task.job.attempts, name)},
                       {"file_name", fmt::format("{}{}.{}", song->title, suffix, format)},
                       {"type", type},
                       {"peaks", writer.peaks()},
                       {"files", output.described(task.job.attempts)}}
                      .dump();
  output.keep = [id = song->id](Transaction& transaction) { return transaction.songs().find(id).has_value(); };
  return output;
}

}  // namespace webwrap
