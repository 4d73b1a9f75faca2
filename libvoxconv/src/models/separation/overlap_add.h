#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "features/song_plan.h"
#include "models/separation/separator.h"
#include "nn/torch.h"

namespace voxconv {

/// What a network gets where a segment reaches beyond the ends of the song.
enum class SongEnds {
  /// As ZFTurbo's Music-Source-Separation-Training has it: the song mirrored at its ends, segment - hop samples of it, where it is longer
  /// than twice that, and then the first segment begins with them. What the last segment still lacks is mirrored at the end of that, or, if
  /// it is half of the segment and more, silence.
  reflect,
  /// As Demucs has it: a segment with too little of the song left lies in the middle of what the network gets, with the song before it,
  /// and silence where there is no song.
  centre
};

/// How a song is cut into segments that overlap, and how their results are joined.
struct OverlapSpec {
  int rate = 0;               ///< samples a second
  std::int64_t segment = 0;   ///< samples that the network takes and gives
  std::int64_t hop = 0;       ///< from one segment to the next, 1 ... segment
  std::vector<float> weight;  ///< of each sample of a segment in the mean of all that lie over it: `segment` numbers above 0
  SongEnds ends = SongEnds::reflect;
  std::int64_t stems = 1;  ///< that the network gives
  std::int64_t batch = 1;  ///< segments that are computed in one call

  /// The longest that a sample comes out after it went in, in seconds.
  double context_s() const;
};

/// A song through a network that takes segments of one length. Their places, and which of them are computed together, follow from the
/// specification and the length of the song alone, so that no cut of the input changes a sample; memory does not grow with the song. One
/// per stream.
class OverlapAdd : public SeparationStream {
 public:
  /// [count, 2, segment] -> [count, stems, 2, segment], both fp32 on the CPU; count is 1 ... batch.
  using Network = std::function<torch::Tensor(const torch::Tensor& segments)>;

  OverlapAdd(OverlapSpec spec, Network network);

  /// The next samples; returns those of each stem that later samples cannot change; may be none. Throws Error(usage) where `stereo` has not
  /// two channels at the specification's rate.
  std::vector<AudioBuffer> push(const AudioBuffer& stereo) override;
  /// The rest, as many samples in all as came in. The next song can follow.
  std::vector<AudioBuffer> finish() override;

 private:
  std::int64_t lead() const;
  std::int64_t start(std::int64_t index) const { return index * spec_.hop - lead(); }
  std::int64_t kept_from() const;
  torch::Tensor network_input(std::int64_t index);
  std::int64_t centring(std::int64_t index) const;
  void compute(std::int64_t count, std::vector<AudioBuffer>& out);
  void join(std::int64_t index, const torch::Tensor& result, std::vector<AudioBuffer>& out);
  void begin();

  OverlapSpec spec_;
  Network network_;
  torch::Tensor weight_;                ///< [segment]
  std::vector<SignalBuffer> song_;      ///< per channel: what is still needed
  torch::Tensor sum_, sum_of_weights_;  ///< [stems, 2, segment], [segment], from the begin of the next segment on
  std::int64_t next_ = 0;               ///< index of the next segment
};

/// A weight of 1 that rises from 0 over the first `fade` samples and falls to it over the last ones, both linearly; 0 itself is a
/// millionth, so that a sample over which only ends of segments lie has a mean. ZFTurbo's `_getWindowingArray`.
std::vector<float> linear_fades(std::int64_t segment, std::int64_t fade);

}  // namespace voxconv
