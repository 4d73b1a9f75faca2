#include "worker/audio_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "blob/blob_store.h"
#include "log/log.h"

namespace webwrap {
namespace {

constexpr std::size_t max_cached_voices = 3;
constexpr double longest_preparation_s = 1800;  ///< of a training: the features of its recordings

}  // namespace

voxconv::Voice VoiceCache::get(const std::string& name) {
  voxconv::VoiceInfo wanted;
  try {
    wanted = voxconv::VoiceStore().find(name);
  } catch (const voxconv::Error& error) {
    if (error.code() != voxconv::ErrorCode::not_found) throw;
    throw PermanentJobError(fmt::format("The voice \"{}\" is no longer offered; please choose another one.", name));
  }
  return load(name, wanted.name, wanted.sha256);
}

voxconv::Voice VoiceCache::get(const std::string& path, const std::string& name, const std::string& sha256) {
  const voxconv::Voice voice = load(path, name, sha256);
  // The bundle's own sum was checked when it was loaded; this one says that it is the bundle that was made.
  if (voice.info().name != name || voice.info().sha256 != sha256)
    throw std::runtime_error(fmt::format("The bundle {} is not that of the voice {}.", path, name));
  return voice;
}

void VoiceCache::forget(const std::string& name) {
  std::erase_if(voices_, [&](const voxconv::Voice& voice) { return voice.info().name == name; });
}

voxconv::Voice VoiceCache::load(const std::string& path, const std::string& name, const std::string& sha256) {
  const auto found = std::find_if(voices_.begin(), voices_.end(),
                                  [&](const voxconv::Voice& voice) { return voice.info().name == name && voice.info().sha256 == sha256; });
  if (found != voices_.end()) {
    voices_.splice(voices_.begin(), voices_, found);
  } else {
    voices_.push_front(voxconv::Voice::load(path, options_));
    if (voices_.size() > max_cached_voices) voices_.pop_back();
  }
  return voices_.front();
}

JobOutput AudioRunner::run(const JobTask& task) {
  try {
    switch (task.job.kind) {
      case Job::Kind::analyse: return analyse(task);
      case Job::Kind::convert: return convert(task);
      case Job::Kind::render: return render(task);
      case Job::Kind::separate: return separate(task);
      case Job::Kind::train: return train(task);
      case Job::Kind::picture: return take_picture(task);
      case Job::Kind::video: return make_video(task);
      case Job::Kind::package: return make_package(task);
      case Job::Kind::publish: return publish(task);
    }
  } catch (const voxconv::Error& error) {
    // The library's own sentence names files of this machine, so it goes to the log only.
    if (error.code() != voxconv::ErrorCode::bad_audio) throw;
    log(Level::info, "bad audio", {{"job", task.job.id}, {"error", error.what()}});
    throw PermanentJobError(
        "This recording cannot be read: it is damaged, empty, or no audio in a format known here (wav, flac, mp3, m4a, ogg, opus).");
  }
  throw std::logic_error("A job of no known kind.");
}

double AudioRunner::time_limit_s(const Job& job) const {
  // Of one turn. The trainer counts the minutes of all turns; by steps it takes as long as it takes.
  if (job.kind == Job::Kind::train) return longest_preparation_s + (config_.training_steps > 0 ? 3600 : 120 * config_.training_minutes);
  // The phrase of a consent is compared with all recordings of its voice.
  if (job.kind == Job::Kind::analyse && !job.parameters.empty()) return 3 * config_.job_time_s;
  const auto slow = [&](double seconds) { return config_.job_time_s + 5 * config_.job_time_factor * seconds; };
  if (job.kind == Job::Kind::video) return slow(nlohmann::json::parse(job.parameters).at("length_s"));
  if (job.kind == Job::Kind::package) return slow(nlohmann::json::parse(job.parameters).at("seconds"));
  if (job.kind == Job::Kind::publish) return slow(3600 / 5);  // most of it is waiting for others
  if (job.kind != Job::Kind::convert && job.kind != Job::Kind::separate) return config_.job_time_s;
  const auto parameters = nlohmann::json::parse(job.parameters);
  const double steps = parameters.value("keep_music", false) ? 2 : 1;  // separation, too
  return config_.job_time_s +
         config_.job_time_factor * steps * std::max(0.0, parameters.value("end_s", 0.0) - parameters.value("start_s", 0.0));
}

void AudioRunner::warm_up() {
  const std::vector<voxconv::VoiceInfo> voices = voxconv::VoiceStore().list();
  if (!voices.empty()) voices_.get(voices.front().name);
}

voxconv::Voice AudioRunner::voice_of(const Job& job) {
  std::optional<OwnVoice> own;
  store_.read([&](Transaction& transaction) { own = transaction.voices().find(job.voice); });
  if (!own) return voices_.get(job.voice);
  if (!own->is_open_to(job.account)) {
    voices_.forget(own->id);
    throw PermanentJobError("Whoever this voice belongs to has taken it back, so nothing was charged; please choose another one.");
  }
  const std::string weights = blobs_.local_path(own->bundle + "/weights.safetensors");
  return voices_.get(std::filesystem::path(weights).parent_path().string(), own->id, own->sha256);
}

Recording AudioRunner::find_recording(const Id& id) {
  std::optional<Recording> recording;
  store_.read([&](Transaction& transaction) { recording = transaction.recordings().find(id); });
  if (!recording || blobs_.size(recording->blob) < 0) throw PermanentJobError("The recording was removed.");
  return *recording;
}

}  // namespace webwrap
