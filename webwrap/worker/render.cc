#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
  const std::string format = parameters.at("format");
  const double wet = parameters.at("wet"), gain = std::pow(10, parameters.at("level_db").get<double>() / 20);

  // Both sides are read in step, so that each tells how far the mix is.
  const auto open = [&](const std::string& key) {
    return PartReader(voxconv::open_reader(blobs_.local_path(key)), 0, -1, task.cancel,
                      [&task](double share) { task.progress.report(share, "mixing"); });
  };
  PartReader converted = open(song->converted), original = open(song->original);
  std::vector<voxconv::MixSource> sources;
  if (wet > 0) sources.push_back({&converted, wet * gain});
  if (wet < 1) sources.push_back({&original, (1 - wet) * gain});

  voxconv::WriteOptions target;
  target.rate = converted.info().rate;
  target.channels = 1;
  for (const voxconv::MixSource& source : sources) target.channels = std::max(target.channels, std::min(2, source.reader->info().channels));
  target.format = format;
  target.tags = converted.info().tags;  // with the marks that say how it was made
  target.tags["title"] = song->title;
  const std::string path = task.folder + "/render." + format;
  TeeWriter writer;
  writer.add(voxconv::open_writer(path, target));
  voxconv::mix(sources, writer, target.rate, target.channels, {}, task.cancel);

  JobOutput output;
  const std::string folder = fmt::format("songs/{}/renders", song->id), name = fmt::format("{}.{}", task.job.id, format);
  const char* type = format == "mp3" ? "audio/mpeg" : format == "flac" ? "audio/flac" : "audio/wav";
  output.files = {{folder, name, path}};
  output.result = json{{"blob", attempt_key(folder, task.job.attempts, name)},
                       {"file_name", fmt::format("{}.{}", song->title, format)},
                       {"type", type},
                       {"peaks", writer.peaks()},
                       {"files", output.described(task.job.attempts)}}
                      .dump();
  output.keep = [id = song->id](Transaction& transaction) { return transaction.songs().find(id).has_value(); };
  return output;
}

}  // namespace webwrap
