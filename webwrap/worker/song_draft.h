#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "voxconv/converter.h"
#include "worker/job_runner.h"
#include "worker/sound.h"

namespace webwrap {

/// A song that a job is making: its row as far as the request tells it, its sounds in the job's folder, and what becomes of both.
class SongDraft {
 public:
  SongDraft(const JobTask&, const nlohmann::json& parameters, const voxconv::VoiceInfo&, const voxconv::ConvertOptions&);

  /// Opens a sound of the song: "original", "converted", "music", each as flac and as mp3 for the player, or "cover", as mp3. What holds
  /// the converted voice says so. The writer lives as long as the draft.
  TeeWriter& open(const std::string& name, int rate, int channels);
  const TeeWriter& sound(const std::string& name) const { return sounds_.at(name); }
  std::string path(const std::string& file) const { return task_.folder + "/" + file; }

  /// Fails the job for good where nothing can be heard of the converted voice, though something can of the original.
  void require_voice(const voxconv::ConvertReport&) const;

  /// With the finished sounds.
  JobOutput output(const voxconv::ConvertReport&);

  Song song;

 private:
  const JobTask& task_;
  voxconv::Tags tags_, converted_tags_;
  std::map<std::string, TeeWriter> sounds_;
};

}  // namespace webwrap
