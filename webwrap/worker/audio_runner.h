#pragma once
#include <list>
#include <string>

#include "config/config.h"
#include "voxconv/error.h"
#include "voxconv/voice.h"
#include "worker/job_runner.h"

namespace webwrap {

/// Loaded voices: the last few that were used.
class VoiceCache {
 public:
  explicit VoiceCache(int threads) { options_.threads = threads; }
  /// Loads it where it is not there, or was replaced by another version. Throws PermanentJobError where there is no such voice, else
  /// voxconv::Error.
  voxconv::Voice get(const std::string& name);

 private:
  voxconv::LoadOptions options_;
  std::list<voxconv::Voice> voices_;  ///< the last used first
};

/// The jobs of the service, done with voxconv. Sound passes in blocks: memory does not grow with its length.
class AudioRunner : public JobRunner {
 public:
  AudioRunner(const Config& config, Store& store, BlobStore& blobs)
      : config_(config), store_(store), blobs_(blobs), voices_(config.worker_threads) {}
  JobOutput run(const JobTask&) override;
  double time_limit_s(const Job&) const override;
  /// Loads a voice, so that the first song does not wait for what all voices share, and all work keeps to config.worker_threads. Nothing
  /// happens where there are no voices.
  void warm_up();

 private:
  /// Decodes the whole recording: length, waveform, range of the pitch, and an mp3 for the player.
  JobOutput analyse(const JobTask&);
  /// Makes a song of a part of a recording: the converted voice and the original beside it, each as flac and as mp3.
  JobOutput convert(const JobTask&);
  /// Blends a song's two sides into a file to download.
  JobOutput render(const JobTask&);

  Recording find_recording(const Id&);

  const Config& config_;
  Store& store_;
  BlobStore& blobs_;
  VoiceCache voices_;
};

}  // namespace webwrap
