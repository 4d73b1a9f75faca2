#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace voxconv {

/// Makes the converted voice as loud as the source, moment by moment: the short-term level of each frame is compared with the source's, and
/// the difference, smoothed and bounded, becomes a gain. Silence of the source stays silence. Streaming; the result does not depend on the
/// cut.
class LoudnessFollower {
 public:
  static constexpr std::int64_t lookahead_frames = 4;  ///< behind a frame that are enough to have its samples

  /// `amount` in [0, 1]: how much of the difference is taken away; 0 only mutes silence. `hop`: samples of a frame.
  LoudnessFollower(double amount, int hop);

  /// `source`: ln(RMS) of the source's next frames as rms_loudness() gives it. `audio`: the next converted samples; frame t is centred at
  /// sample t * hop. The two may come at different speeds. Returns the samples that are now certain.
  std::vector<float> push(std::span<const float> source, std::span<const float> audio);
  std::vector<float> finish();

 private:
  std::vector<float> emit(bool last);
  double level(std::int64_t frame) const;
  double gain_of(std::int64_t frame);

  double amount_;
  int hop_;
  std::vector<float> window_;
  std::deque<float> source_;  ///< levels from frame next_
  std::vector<float> audio_;  ///< from sample start_
  std::int64_t start_ = 0, end_ = 0;
  std::int64_t next_ = 0;     ///< next frame without a gain
  double correction_db_ = 0;  ///< smoothed
  double last_gain_ = 0;      ///< of frame next_ - 1
};

}  // namespace voxconv
