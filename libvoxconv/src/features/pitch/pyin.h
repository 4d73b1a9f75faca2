#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// pYIN (M. Mauch and S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic threshold distributions", ICASSP 2014), with
/// the choices of the authors' released program: Beta(2, 18) thresholds, Boltzmann prior over troughs, a hidden Markov model over pitch
/// bins of 10 cents. Two things are voxconv's: the two windows that are compared lie symmetrically around the frame, so that glides are not
/// read late, and a pitch is refined on multiples of its period, which makes high notes exact. Needs nothing but the standard library.
struct PyinConfig {
  double rate = 16000;  ///< samples a second
  int hop = 160;        ///< samples from frame to frame; frame t is centred at t * hop
  F0Range range;
};

struct PyinTrack {
  std::vector<float> hz;          ///< 0 = unvoiced
  std::vector<float> confidence;  ///< probability of being voiced before smoothing, in [0, 1]
};

/// The whole of `audio` (taken as zero beyond its ends): audio.size() / hop + 1 frames.
PyinTrack pyin(std::span<const float> audio, const PyinConfig& config);

/// pyin() as an F0Estimator. Runs on the CPU whatever the device of the audio.
class PyinEstimator : public F0Estimator {
 public:
  explicit PyinEstimator(const F0Range& range) : range_(range) {}
  F0Frames estimate(const torch::Tensor& audio) const override;
  double context_s() const override { return 0.5; }  // the start of the path has no effect after half a second

 private:
  F0Range range_;
};

}  // namespace voxconv
