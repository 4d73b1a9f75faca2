#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "audio/resampler.h"
#include "features/frames.h"
#include "features/highpass.h"
#include "features/song_plan.h"
#include "voxconv/audio_io.h"

namespace voxconv {

/// Raises a quiet source for analysis: networks and gates are made for the levels at which people record. The gain of each second follows
/// the loudest 50 ms so far (which is forgotten by 6 dB a minute): 1 from -24 dBFS on, up to 60 dB below that, and 1 again below -86 dBFS,
/// where there is nothing but the noise of the format. It changes linearly within a second, never above what the second's own loudest part
/// allows. The result does not depend on the cut. One instance per stream.
class AnalysisLevel {
 public:
  static constexpr double target_db = -24, most_db = 60, silent_db = -86;
  static constexpr std::int64_t lookahead_s = 2;  ///< samples come up to so many whole seconds late

  std::vector<float> push(std::span<const float> audio);  ///< 16 kHz in; the samples that are now certain
  std::vector<float> finish();                            ///< the rest; as many samples in all as came in

  /// Divides the next samples of a result at `rate` by the gain that the source had at their time, which push() or finish() has returned.
  /// `share` in [0, 1] of the gain in decibels: how much the result's level follows the source's.
  void restore(std::span<float> result, int rate, double share = 1);

 private:
  void measure();
  std::vector<float> emit(bool last);

  std::vector<float> waiting_;  ///< from the begin of second start_
  std::int64_t start_ = 0;
  double loudest_ = 0;        ///< mean power of the loudest 50 ms so far
  std::deque<double> gains_;  ///< at the begin of second first_gain_ and of those after it
  std::int64_t first_gain_ = 0;
  std::int64_t restored_ = 0;  ///< samples of the result
};

/// What all features are taken from: one channel of a source at 16 kHz, without what lies below a voice (highpass.h; an offset, rumble and
/// wind would drive loudness and gates), at a level that suits the analysis. Streaming; the result does not depend on the cut.
class AnalysisAudio {
 public:
  /// Frames of the source behind a frame that are enough to have its samples. The last one is for the resampler.
  static constexpr std::int64_t lookahead_frames =
      AnalysisLevel::lookahead_s * frame_rate + std::int64_t(StreamHighpass::lookahead) / feature_hop + 1;

  explicit AnalysisAudio(int source_rate);
  std::vector<float> push(const AudioBuffer& mono);  ///< the samples that are now certain; may be none
  std::vector<float> finish();
  AnalysisLevel& level() { return level_; }

 private:
  StreamResampler down_;
  StreamHighpass highpass_;
  AnalysisLevel level_;
};

/// All of a source, its channels mixed, through AnalysisAudio: reads as much at a time as the plan says and hands what is then certain
/// (which may be nothing) to `take`, with the number of the source's frames that were read so far.
void read_analysis_audio(AudioReader& reader, const SongPlan& plan,
                         const std::function<void(std::span<const float> audio, std::int64_t frames_read)>& take);

}  // namespace voxconv
