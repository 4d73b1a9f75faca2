#pragma once
#include <array>
#include <cstddef>
#include <vector>

namespace voxconv {

/// A copy of a mono voice that sounds like it and has next to nothing in common with it sample by sample: what a stereo image is made from
/// besides the voice itself. Schroeder's all-pass sections in a row, with delays of 1.3 to 4.7 ms: every frequency keeps its level, and
/// what comes late is within the 20 ms in which the ear hears one sound. Streaming: sample in, sample out.
class Decorrelator {
 public:
  explicit Decorrelator(int rate);
  float operator()(float sample);

 private:
  struct Section {
    std::vector<float> line;  ///< the last inputs plus `gain` times the last outputs
    std::size_t at = 0;
  };
  std::array<Section, 4> sections_;
};

/// Sums of products of two signals over the same time: x is the first, y the second.
struct Products {
  double xx = 0, yy = 0, xy = 0;
  void add(const Products& other, double weight) {
    xx += weight * other.xx;
    yy += weight * other.yy;
    xy += weight * other.xy;
  }
};

/// What one channel takes of the mono voice and of its decorrelated copy.
struct WidthGain {
  double voice = 0, copy = 0;
};

/// Gains for left and right with which the channels have the levels that `left` and `right` alone would give the voice, and the correlation
/// of `wanted` (x, y: the channels of the original). `made`: x the voice, y its copy; what the two have in common is taken out of the copy.
/// The louder channel gets less of the copy, so that a voice on one side stays as it is. (Breebaart et al. 2005, "Parametric coding of
/// stereo audio", section 4.) Correlations above 0.9999 count as 1: the copy's gains are then 0, the voice's `left` and `right`.
std::array<WidthGain, 2> width_gains(const Products& wanted, const Products& made, double left, double right);

}  // namespace voxconv
