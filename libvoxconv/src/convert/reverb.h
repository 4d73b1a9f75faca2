#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "audio/k_weighting.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// The late reverberation of a voice, as exponential decay in octave bands (Polack 1988): all that comes more than 20 ms after the sound
/// itself. The lowest band stands for what is below it, too, the highest for what is above.
struct Reverb {
  static constexpr std::array band_hz{250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0};  ///< centres
  static constexpr double late_from_s = 0.02;
  struct Band {
    double decay_s = 0;  ///< T60: time of a fall by 60 dB
    double level = 0;    ///< energy of the late reverberation over that of the sound itself
  };
  std::array<Band, band_hz.size()> bands;
  double left = 0.5;       ///< share of the left channel in the reverberation's power; of one channel 1
  double correlation = 1;  ///< of the reverberation's channels

  double decay_s() const;   ///< the middle one of 500, 1000 and 2000 Hz
  double level_db() const;  ///< likewise
  /// Decay and level at a frequency, between the bands' centres by its logarithm.
  Band at(double hz) const;
};

/// Finds the room in a recording of a voice, which is not known without it. Decays: where the level in a band falls in a straight line,
/// which voices seldom do, by the commonest of the lines' slopes (as Löllmann et al. 2010, "An improved algorithm for blind reverberation
/// time estimation"). Levels: the largest that neither those falls nor the deepest dips between sounds contradict. Sounds of both channels
/// are added. Streaming; keeps 36 bytes for each 10 ms of the first 20 minutes.
class ReverbEstimator {
 public:
  ReverbEstimator(int rate, std::size_t channels);  ///< one or two
  void push(const AudioBuffer& audio);
  /// Nothing where the voice is dry (late reverberation below -17 dB, or gone within 0.3 s), or too little was heard to tell.
  std::optional<Reverb> estimate() const;

 private:
  using BandPower = std::array<float, Reverb::band_hz.size()>;
  struct Moment {
    BandPower power{};
    float left = 0, right = 0, both = 0;  ///< K-weighted mean products of the channels
  };
  void measure_frames();

  const int rate_;
  const std::size_t channels_, hop_, frame_;
  std::vector<KWeighting> filters_;
  std::vector<float> window_;
  std::vector<std::size_t> first_bin_;        ///< of each band, and one behind the last
  std::vector<std::vector<float>> waiting_;   ///< samples from the next frame on, per channel
  std::vector<std::vector<float>> weighted_;  ///< the same, K-weighted
  std::vector<Moment> moments_;
};

}  // namespace voxconv
