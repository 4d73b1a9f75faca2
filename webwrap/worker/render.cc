#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <nlohmann/json.hpp>

#include "voxconv/mix.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"

namespace webwrap {

using nlohmann::json;

JobOutput AudioRunner::render(const JobTask& task) {
  std::optional<Song> song;
  store_.read([&](Transaction& transaction) { song = transaction.songs().find(task.job.song); });
  if (!song) throw PermanentJobError("The song was removed.");
  const json parameters = json::parse(task.job.parameters);
  const std::string format = parameters.at("format"), parts = parameters.value("parts", "all");
  const double wet = parameters.at("wet"), whole = linear(song->gain_db), voice = whole * linear(parameters.at("level_db"));
  const bool has_voice = parts != "music", has_music = parts != "vocals" && !song->music.empty();

  // All parts are read in step, so that each tells how far the mix is.
  const auto open = [&](const std::string& key) {
    return PartReader(voxconv::open_reader(blobs_.local_path(key)), 0, -1, task.cancel,
                      [&task](double share) { task.progress.report(share, "mixing"); });
  };
  std::list<PartReader> readers;
  std::vector<voxconv::MixSource> sources;
  const auto add = [&](const std::string& key, double gain) { sources.push_back({&readers.emplace_back(open(key)), gain}); };
  if (has_voice && wet > 0) add(song->converted, wet * voice);
  if (has_voice && wet < 1) add(song->original, (1 - wet) * voice);
  if (has_music) add(song->music, whole * linear(parameters.value("music_db", 0.0)));

  voxconv::WriteOptions target;
  target.rate = readers.front().info().rate;
  target.channels = 1;
  for (const voxconv::MixSource& source : sources) target.channels = std::max(target.channels, std::min(2, source.reader->info().channels));
  target.format = format;
  // With the marks that say how the voice was made.
  target.tags = has_voice ? voxconv::open_reader(blobs_.local_path(song->converted))->info().tags : readers.front().info().tags;
  target.tags["title"] = song->title;
  const std::string path = task.folder + "/render." + format;
  TeeWriter writer;
  writer.add(voxconv::open_writer(path, target));
  voxconv::mix(sources, writer, target.rate, target.channels, {}, task.cancel);

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
