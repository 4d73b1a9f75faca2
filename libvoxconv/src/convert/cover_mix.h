#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "audio/k_weighting.h"
#include "audio/limiter.h"
#include "audio/resampler.h"
#include "convert/music_shift.h"
#include "convert/reverb_tail.h"
#include "convert/stereo_width.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Linear gains of the parts of a cover.
struct CoverGains {
  float music = 1, vocals = 1;
  float backing = 1;  ///< besides that of the vocals
  float wet = 1;      ///< converted vocals; the rest is the song's own
  float whole = 1;    ///< after the mix, before the limiter
};

/// Where the parts of a cover go. Any may be null; the stems' writers are open at the song's rate and channel count.
struct CoverTargets {
  AudioWriter* cover = nullptr;
  int rate = 0;  ///< of the cover
  AudioWriter *vocals = nullptr, *converted = nullptr, *music = nullptr, *backing = nullptr, *converted_backing = nullptr;
};

/// Backing vocals that another voice sings: the song's own, and what takes their place, as loud and wide as those are. Both have the song's
/// rate, channel count and length; null: there are none, and the vocals are all of them.
struct CoverBacking {
  AudioReader *own = nullptr, *converted = nullptr;
};

/// A song with its music shifted by some semitones, and its vocals as they are: what is left of it less the vocals is the shifted music.
/// `song` and `vocals` have one rate, channel count and length, and must outlive the object.
class ShiftedSong : public AudioReader {
 public:
  ShiftedSong(AudioReader& song, AudioReader& vocals, double semitones);
  const AudioInfo& info() const override { return song_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  AudioReader &song_, &vocals_;
  MusicShift shift_;
  AudioBuffer waiting_vocals_;  ///< of which the music is not there yet
  AudioBuffer ready_;
  bool ended_ = false;
};

/// The reverberation of the song's vocals in a cover.
struct CoverReverb {
  AudioReader* dry = nullptr;      ///< the song's vocals without it, and without noise: the converted ones get loudness and width of these
  const Reverb* reverb = nullptr;  ///< which the converted vocals are given back; null: they stay dry
};

/// The end of a cover: takes the converted vocals, in pieces of any size, and mixes them into the music, which is the song less its vocals
/// (and less its backing vocals, where these are apart).
///
/// In each channel the converted vocals get the loudness (K-weighted power) that the song's vocals have there within 1.5 s: so a phrase is
/// as loud as it was, and where it was. Converted vocals in one channel also get the correlation between left and right that the song's
/// vocals have, by a decorrelated copy (stereo_width.h); then the reverberation, where it is kept, is added. Powers are taken over fixed
/// blocks and gains interpolated between them, so that nothing depends on the pieces. A mix whose true peak would lie above -1 dBTP is
/// limited.
class CoverMix : public AudioWriter {
 public:
  /// `song` and `vocals` have one rate, one or two channels, and the same length; without `vocals` the whole song is vocals. The converted
  /// vocals come at `converted_rate`, in one channel or as many as the song has. Readers and writers must outlive the object.
  CoverMix(AudioReader& song, AudioReader* vocals, int converted_rate, const CoverGains& gains, const CoverTargets& targets,
           const CoverReverb& reverb = {}, const CoverBacking& backing = {});

  void write(const AudioBuffer& converted) override;
  /// The rest of the mix, to the end of the song. Leaves finishing the writers to finish_targets().
  void finish() override;
  void finish_targets();

  double limiter_gain_db() const { return limiter_.largest_reduction_db(); }

 private:
  struct Block {
    AudioBuffer song, vocals, converted, backing, converted_backing;
    std::vector<double> vocal_power, converted_power;  ///< per channel
    std::vector<float> copy;                           ///< decorrelated, of converted vocals in one channel for two; else empty
    Products vocal_products, copy_products;            ///< of the channels; of converted vocals and copy
  };

  void take(const AudioBuffer& converted);
  void advance(bool last);
  bool read_block(bool last);
  std::vector<WidthGain> gains_of(std::ptrdiff_t block) const;
  void mix_first();

  AudioReader& song_;
  AudioReader* vocals_;
  AudioReader* dry_;
  const CoverBacking backing_;
  std::optional<ReverbTail> tail_;
  const CoverGains gains_;
  const CoverTargets targets_;
  const int rate_;
  const std::size_t channels_, block_;
  std::unique_ptr<StreamResampler> to_song_rate_;  ///< made with the first piece, which tells the channels
  const int converted_rate_;
  AudioBuffer converted_;  ///< at the song's rate, not yet in a block
  std::vector<KWeighting> vocal_filters_, converted_filters_;
  Decorrelator decorrelator_;
  KWeighting copy_filter_;
  std::deque<Block> blocks_;  ///< up to `reach` of those that are mixed, then those to come
  std::ptrdiff_t next_ = 0;   ///< the block that is mixed next
  bool song_ended_ = false;
  std::vector<WidthGain> gains_before_;  ///< at the begin of the next block; empty: at the song's begin
  StreamResampler to_cover_rate_;
  TruePeakLimiter limiter_;
};

}  // namespace voxconv
