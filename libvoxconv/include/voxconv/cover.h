#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "voxconv/separate.h"

namespace voxconv {

/// What becomes of the reverberation of a song's vocals, as it is estimated (docs/cover.md).
enum class VocalReverb {
  untreated,  ///< the vocals are converted with it
  keep,       ///< taken out before the conversion, and given to the converted vocals: a room of the same decay and level
  none        ///< taken out, and not given back
};

/// How a song becomes a cover: its vocals are taken out, converted, and put back into the music.
struct CoverOptions {
  /// Of the vocals. Where `key` is no number of octaves, the music is shifted to the same key, by up to 6 semitones. `wet` mixes the
  /// separated vocals back in: at 0 the song comes out; shifted music needs 1. `keep_stereo` converts both channels of the vocals; else one
  /// voice takes the place and width that the levels of the vocals' channels give it. `gain_db` is of the whole, `resample` the rate of the
  /// result; 0: that of the song.
  ConvertOptions convert;
  double vocals_db = 0, music_db = 0;           ///< gains in the mix, [-60, 24]
  VocalReverb reverb = VocalReverb::untreated;  ///< vocals in which none is found are converted as they are
  /// Sings the backing vocals, which then are told from the lead voice: the separator is one of Separator::with_backing(). Without one all
  /// vocals that the separator finds are converted with the same voice.
  std::optional<Voice> backing;
  bool backing_key_auto = true;  ///< the octaves that suit that voice; where the music is shifted, its key
  double backing_key = 0;        ///< semitones, [-36, 36], whole octaves from the key of the music
  double backing_db = 0;         ///< gain in the mix, besides vocals_db, [-60, 24]
  /// Folder that keeps the vocals, the converted vocals and the music, and of apart backing vocals both, as FLAC, in a batch below the
  /// folders of the sources; made if need be; empty: none.
  std::string stems_dir;
  std::string cache_dir;  ///< folder that keeps separated vocals, by the hash of the song's file, for the next voice; empty: none
  std::uint64_t cache_bytes = std::uint64_t{2} << 30;  ///< size it may reach; what was used longest ago goes. 0: it is left alone

  void validate() const;  ///< throws Error(usage), also for a key that shifts the music, with `wet` below 1
  /// `convert` as it is for the backing vocals: in their key, and without what is the lead voice's own: `f0_file`, `index` and `speaker`.
  ConvertOptions backing_options() const;
};

/// Where separated vocals are kept: $XDG_CACHE_HOME/voxconv/vocals, else ~/.cache/voxconv/vocals; empty if neither is known.
std::string user_vocals_cache();

/// What became of backing vocals that were to be told from the lead voice.
struct BackingReport {
  double lead_db = -120, backing_db = -120;  ///< the loudest tenth of both, as StemLevels has it
  ConvertReport convert;                     ///< of the backing vocals, where they were found
  bool found = false;                        ///< both are there; else all vocals were converted with one voice
};

/// What a cover did; every figure measured.
struct CoverReport {
  double wall_s = 0;        ///< seconds it took
  double separate_s = 0;    ///< of which separation
  bool from_cache = false;  ///< all that is separated was there already
  StemLevels levels;        ///< of the song's vocals and music
  double gain_db = 0;       ///< taken off the whole where the song itself reaches above -1 dBTP, besides the options' gains
  /// Of the vocals, unless they are untreated: time in which it falls by 60 dB, 0.3 to 4.6 s, at 500 to 2000 Hz; 0: none was found.
  double reverb_s = 0;
  double reverb_db = 0;                  ///< its energy over that of the voice itself, -17 to 6 dB, in the same band; where there is one
  std::optional<BackingReport> backing;  ///< where CoverOptions::backing is set
  ConvertReport
      convert;  ///< of the vocals, but for backing ones that were found; without vocals only source_s. limiter_gain_db is that of the mix.
};

/// Where the parts of a cover go; null where one is not wanted, but the cover is. Each is open at the song's rate, the cover at
/// ConvertOptions::resample where that is set, with Separator::stem_channels() channels. run() finishes them, the cover last.
struct CoverWriters {
  AudioWriter* cover = nullptr;
  AudioWriter *vocals = nullptr, *converted = nullptr, *music = nullptr;  ///< as they are in the mix, without the options' gains and wet
  /// The same of backing vocals that were told apart; `vocals` and `converted` are then the lead voice. Where there are none they get
  /// silence.
  AudioWriter *backing = nullptr, *converted_backing = nullptr;
};

/// A cover whose song does not come from a file, or whose parts do not go to files.
struct CoverJob {
  std::string name;                                         ///< of the song, for messages
  std::function<std::unique_ptr<AudioReader>()> open_song;  ///< called several times; each reads the same from its beginning
  std::string
      vocals;        ///< file of the song's vocals, of its rate, length and Separator::stem_channels() channels; empty: they are separated
  std::string lead;  ///< file of the lead voice in them, where CoverOptions::backing is set; else empty. Both files are there, or none.
  /// Called once it is known what there is in the song. May throw to stop the work; the writers must live until run() ends.
  std::function<CoverWriters(const StemLevels&)> open_writers;
};

/// Makes covers with one voice, in bounded memory at any length. Temporary files (the vocals, and what comes by a pipe) lie in $TMPDIR,
/// else /var/tmp. One instance per thread; instances share weights.
class CoverMaker {
 public:
  CoverMaker(Voice voice, Separator separator, CoverOptions options);  ///< throws Error(usage)
  CoverMaker another() const;
  ~CoverMaker();
  CoverMaker(CoverMaker&&) noexcept;
  CoverMaker& operator=(CoverMaker&&) noexcept;

  /// Reads the source, writes the cover with the source's tags and provenance_tags(). A song without vocals comes out without a change of
  /// voice, and of one without music the whole is converted; either is told as a warning, as is a cache that cannot be used. Progress is
  /// one line over all steps, in seconds of the song. Throws Error; the targets then do not appear.
  CoverReport run(const FileJob& job, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

  /// The same without files; `stems_dir` and `cache_dir` do not count. Throws Error(bad_audio) also where the vocals are not the song's.
  CoverReport run(const CoverJob& job, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

 private:
  friend BatchReport cover_batch(const Voice&, const Separator&, const CoverOptions&, const BatchOptions&, const BatchCallbacks&,
                                 const CancelToken&);
  struct Impl;
  explicit CoverMaker(std::unique_ptr<Impl> impl);
  CoverReport run(const FileJob& job, const std::vector<std::string>& stems, const ProgressFn& on_progress, const CancelToken& cancel);
  std::unique_ptr<Impl> impl_;
};

/// What convert_batch() does, with CoverMaker::run(); `options.convert` does not count, but for names: it is that of `cover`.
BatchReport cover_batch(const Voice& voice, const Separator& separator, const CoverOptions& cover, const BatchOptions& options,
                        const BatchCallbacks& callbacks = {}, const CancelToken& cancel = {});

}  // namespace voxconv
