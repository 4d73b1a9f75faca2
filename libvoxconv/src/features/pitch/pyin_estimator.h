#pragma once
#include "features/pitch/f0_estimator.h"

namespace voxconv {

/// pyin() as an F0Estimator. Runs on the CPU whatever the device of the audio.
class PyinEstimator : public F0Estimator {
 public:
  explicit PyinEstimator(const F0Range& range) : range_(range) {}
  F0Frames estimate(const torch::Tensor& audio) const override;
  double context_s() const override { return 0.5; }  // the path forgets within half a second

 private:
  F0Range range_;
};

}  // namespace voxconv
