#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace voxconv {

/// The most likely sequence of pitch bins, voiced or not, of a hidden Markov model (Viterbi): from frame to frame the bin moves at most
/// `reach` bins, small moves being likelier (a triangle), and the voicing switches with a fixed probability. A move is as likely at the
/// edges as elsewhere: were what cannot leave the range shared out among the moves inside, as librosa and torchcrepe do it, each frame at
/// an edge would be up to ln 2 cheaper, and paths of noise would end there.
class PitchPath {
 public:
  PitchPath(int bins, int reach, double switch_probability);
  /// One more frame: the probability of each bin if voiced, and of any bin if not.
  void add(std::span<const double> voiced, double unvoiced);
  /// Per frame the bin, or -1 where unvoiced.
  std::vector<int> best() const;

 private:
  int bins_, reach_;
  double stay_, change_;             // ln probability
  std::vector<double> move_;         // [reach + 1] ln of the triangle, whose sum is (reach + 1) squared
  std::vector<double> score_;        // [2 * bins], voiced first
  std::vector<std::uint16_t> back_;  // frames * 2 * bins: where each state came from
};

}  // namespace voxconv
