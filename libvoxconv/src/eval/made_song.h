#pragma once
#include <array>
#include <cstdint>

#include "voxconv/audio_io.h"

namespace voxconv::eval {

/// A song for measurements: a voice-like tone with vibrato on a melody, a noisy consonant before each note, a pause after each phrase.
/// The same samples on every machine but for the last bits of its sine; nothing is kept in memory.
class MadeSong : public AudioReader {
 public:
  explicit MadeSong(double seconds);
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

 private:
  float next();

  /// A resonance of the vocal tract: a filter of two poles.
  struct Formant {
    double a1, a2, gain, y1 = 0, y2 = 0;
  };
  AudioInfo info_;
  std::int64_t position_ = 0;
  double phase_ = 0;  ///< of the tone, in cycles
  std::uint32_t noise_ = 1;
  std::array<Formant, 3> formants_;
};

}  // namespace voxconv::eval
