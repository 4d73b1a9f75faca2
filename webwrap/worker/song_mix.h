#pragma once
#include <list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "store/records.h"
#include "voxconv/audio_io.h"
#include "voxconv/mix.h"
#include "worker/sound.h"

namespace webwrap {

/// What is heard of a song, as "parts" ("all", "vocals", "music"), "wet", "level_db" and "music_db" of a job's parameters say.
struct Blend {
  std::string parts = "all";
  double wet = 1, level_db = 0, music_db = 0;

  static Blend of(const nlohmann::json& parameters);
  bool has_voice() const { return parts != "music"; }
};

/// The parts of a song from start_s to end_s (below 0: to its end), opened to be blended once. All are read in step, so that each tells how
/// far the mix is.
class SongMix {
 public:
  SongMix(const Song&, const Blend&, BlobStore&, double start_s, double end_s, voxconv::CancelToken, PartReader::OnProgress);

  int rate() const { return readers_.front().info().rate; }
  int channels() const;  ///< 1 or 2
  /// Of the song, with the marks that say how its voice was made.
  const voxconv::Tags& tags() const { return tags_; }
  /// Blends into a writer that was opened with this rate and channel count. True peaks stay below -1 dBTP by the mix's own meter; `gain`,
  /// linear and at most 1, is applied to what was limited so.
  void write(voxconv::AudioWriter&, int rate, int channels, double gain = 1);

 private:
  std::list<PartReader> readers_;
  std::vector<voxconv::MixSource> sources_;
  voxconv::Tags tags_;
  voxconv::CancelToken cancel_;
};

}  // namespace webwrap
