#pragma once
#include <list>
#include <optional>
#include <string>

#include "config/config.h"
#include "connect/connector.h"
#include "voxconv/error.h"
#include "voxconv/separate.h"
#include "voxconv/speech.h"
#include "voxconv/voice.h"
#include "worker/job_runner.h"
#include "worker/loudness.h"

namespace webwrap {

/// Loaded voices: the last few that were used.
class VoiceCache {
 public:
  explicit VoiceCache(int threads) { options_.threads = threads; }
  /// Loads it where it is not there, or was replaced by another version. Throws PermanentJobError where there is no such voice, else
  /// voxconv::Error.
  voxconv::Voice get(const std::string& name);
  /// The same for a member's voice, whose bundle is the folder `path` and must hold the weights of `sha256`.
  voxconv::Voice get(const std::string& path, const std::string& name, const std::string& sha256);
  void forget(const std::string& name);

 private:
  voxconv::Voice load(const std::string& path, const std::string& name, const std::string& sha256);

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
  /// The vocals of a part of a recording, in a file of the job's folder.
  struct PartVocals {
    std::string path;
    bool separated = false;          ///< now; else they were kept
    std::optional<JobOutput> stems;  ///< what is to be kept for the next time; none: kept already, or no room in the quota
  };

  /// Decodes the whole recording: length, waveform, whether there is music in it, range of the pitch, and an mp3 for the player.
  JobOutput analyse(const JobTask&);
  /// Makes a song of a part of a recording, by one of the next three.
  JobOutput convert(const JobTask&);
  /// The converted voice and the original beside it, each as flac and as mp3.
  JobOutput convert_voice(const JobTask&, const Recording&, const nlohmann::json& parameters);
  /// The vocals of a song, converted, and its music: aligned, and mixed to a cover.
  JobOutput convert_song(const JobTask&, const Recording&, const nlohmann::json& parameters);
  /// What was sung to another recording, converted, and the music of that one.
  JobOutput convert_take(const JobTask&, const Recording& take, const nlohmann::json& parameters);
  /// Makes an own voice of its recordings; goes on where another worker stopped.
  JobOutput train(const JobTask&);
  /// A mp3 of somebody else's singing in the voice of a bundle, else of the owner's own recording; its path.
  std::string make_voice_sample(const JobTask&, const std::string& bundle, const Recording& own);
  /// Finds out whether the phrase of a consent was spoken, and by whom; what is to be written of it. Empty: nobody asks any more.
  std::function<bool(Transaction&)> check_consent(const JobTask&, const Recording& spoken);
  voxconv::SpeakerEmbedding embedding_of(const JobTask&, const std::string& path);
  const std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>>& installed_embeddings(const JobTask&);  ///< by their samples
  /// The voice of a conversion. Throws PermanentJobError where its owner has taken it back.
  voxconv::Voice voice_of(const Job&);
  /// Blends a song's parts into a file to download.
  JobOutput render(const JobTask&);
  /// A share video of a part of a song (docs/releases.md).
  JobOutput make_video(const JobTask&);
  /// Decodes the picture of a song, release or artist and keeps its middle square in two sizes, without metadata.
  JobOutput take_picture(const JobTask&);
  /// The zip file with all that a distributor wants of a release.
  JobOutput make_package(const JobTask&);
  /// Publishes a song on another platform, or takes it down there.
  JobOutput publish(const JobTask&);
  Post post_of(const JobTask&, const Connector&, const Publication&, const Song&);
  Posted publish_song(const JobTask&, const Connector&, Publication&, const Song&);
  std::string publish_file(const JobTask&, const nlohmann::json& form, const Song&, bool is_video);
  /// The song as shops want it, as a flac file (44.1 kHz, 24 bits, stereo) with a true peak of at most -1 dBTP; of the job's progress it
  /// takes `share` from `done` on.
  Loudness make_master(const JobTask&, const Song&, const nlohmann::json& blend, const voxconv::Tags& more_tags, const std::string& path,
                       double done, double share);
  /// Takes the whole of a recording apart, for who wants to sing to its music.
  JobOutput separate(const JobTask&);

  /// From what is kept of the recording, else separated now; `share` of the job's progress is separation's.
  PartVocals vocals_of(const JobTask&, const Recording&, double start_s, double end_s, double share);
  bool has_room(const Recording&, std::int64_t bytes);  ///< in its owner's quota, for new stems of it
  voxconv::Separator& separator();                      ///< loaded when it is first needed
  Recording find_recording(const Id&);

  const Config& config_;
  Store& store_;
  BlobStore& blobs_;
  VoiceCache voices_;
  std::optional<voxconv::Separator> separator_;
  std::optional<std::vector<std::pair<std::string, voxconv::SpeakerEmbedding>>> installed_embeddings_;
};

}  // namespace webwrap
