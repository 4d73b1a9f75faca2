#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "features/frames.h"

namespace voxconv {

/// RVC's loudness mix: the level of both sides is measured over a second every half second (librosa's centred RMS), and the result
/// multiplied by (source / result)^(1 - rate), between the measurements by straight lines. rate 0: as loud as the source, 1: unchanged.
/// Whole files, with RVC's own placing of the measurements: stretched so that they fill the result, whatever their number.
void mix_rms(std::span<const double> source, int source_rate, std::span<float> result, int result_rate, double rate);

/// The same of streams, where the length is not known: each measurement lies where it was taken. The two sides may come at different
/// speeds; the outcome does not depend on the cut.
class StreamRmsMix {
 public:
  static constexpr std::int64_t lookahead_frames = frame_rate;  ///< behind a frame that are enough to have its samples

  StreamRmsMix(int source_rate, int result_rate, double rate);
  void push_source(std::span<const float> source);
  std::vector<float> push(std::span<const float> result);  ///< the result's samples that are now certain
  std::vector<float> finish();

 private:
  /// Energy of half seconds one after another.
  class Halves {
   public:
    explicit Halves(int rate) : half_(rate / 2) {}
    void push(std::span<const float> audio);
    void finish();
    bool knows(std::int64_t point) const { return finished_ || point < std::int64_t(energy_.size()); }
    double rms(std::int64_t point) const;  ///< over the second around half second number `point`

   private:
    std::int64_t half_, filled_ = 0;
    double sum_ = 0;
    bool finished_ = false;
    std::vector<float> energy_;  // of whole half seconds: 8 bytes a second
  };
  std::vector<float> emit(bool last);

  double rate_;
  std::int64_t half_;
  Halves source_, result_;
  std::vector<float> waiting_;  ///< result from half second next_ on
  std::int64_t next_ = 0;
};

}  // namespace voxconv
