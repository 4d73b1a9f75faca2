#pragma once
#include <cstddef>
#include <vector>

#include "audio/checked_reader.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Several channels to one, such that the signal of each is kept at its level: channels of opposite phase do not
/// cancel, a voice in one channel alone (left, or the centre of 5.1) loses nothing, and channels that hold the same come out as that.
///
/// The channels are weighted along the principal axis of their covariance, which is smoothed over some seconds and leans towards their
/// plain sum, so that unrelated channels (double tracking) stay in balance; then the sum is brought to the mean of the channels' powers,
/// each weighted by itself. Covariances are taken above the bass, so that neither an offset nor an effects channel decides. Blocks lie at
/// fixed places and weights are interpolated between them: the result does not depend on the cut. A single channel passes as it is.
/// Frames come 0.2 s after they went in, those of a single channel at once. One instance per stream.
class StreamDownmix {
 public:
  StreamDownmix(std::size_t channels, int rate);
  AudioBuffer push(const AudioBuffer& audio);  ///< the frames that later ones cannot change; may be none
  AudioBuffer finish();                        ///< the rest; as many frames in all as came in

 private:
  struct FilterMemory {
    double in = 0, out = 0;
  };
  std::vector<double> measure(std::size_t begin, std::size_t end);
  std::vector<double> principal_weights() const;
  AudioBuffer emit(bool last);

  std::size_t channels_, block_;
  int rate_;
  double pole_, keep_;                       ///< of the high-pass and of the smoothing
  std::vector<FilterMemory> filters_;        ///< the high-pass: two of the first order per channel
  std::vector<double> covariance_;           ///< channels x channels
  std::vector<double> weights_;              ///< at the begin of the first waiting block; empty: not known yet
  std::vector<std::vector<float>> waiting_;  ///< per channel, from the begin of a block
};

/// A source through CheckedReader and StreamDownmix. Throws Error(usage) as the former does. `source` must outlive it.
class DownmixReader : public AudioReader {
 public:
  explicit DownmixReader(AudioReader& source);
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  CheckedReader source_;
  AudioInfo info_;
  StreamDownmix downmix_;
  AudioBuffer kept_;  ///< mixed, and not given out yet
  bool ended_ = false;
};

/// One or two channels as they are; more, in the order of WAVE and FLAC (5.1: left, right, centre, bass, left and right surround), to
/// stereo: centre and surround 3 dB lower, no bass channel, the whole lowered so that nothing clips.
AudioBuffer at_most_stereo(const AudioBuffer& audio);

/// The plain mean of the channels, as RVC reads a file.
AudioBuffer channel_mean(const AudioBuffer& audio);

}  // namespace voxconv
