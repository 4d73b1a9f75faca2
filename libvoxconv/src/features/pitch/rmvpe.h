#pragma once
#include "features/mel.h"
#include "features/pitch/f0_estimator.h"
#include "features/pitch/rmvpe_network.h"

namespace voxconv {

/// RMVPE as RVC uses it: log-mel of 10 ms, the network, and the mean of the nine classes of 20 cents around the strongest one, weighted by
/// their salience. With a range that leaves out no class estimate() gives what RVC's infer_from_audio() gives. It
/// computes in float32 alone: in bfloat16 a class of almost the same salience wins here and there (docs/f0.md).
class Rmvpe : public F0Estimator {
 public:
  /// `source` is the file, for the Error(bad_model).
  Rmvpe(const nn::StateDict& tensors, const std::string& source, const F0Range& range, torch::Device device);
  F0Frames estimate(const torch::Tensor& audio) const override;
  F0Frames estimate_windows(const torch::Tensor& audio) const override;
  /// What a window of a long sound is given either side. The network itself depends on all of its input.
  double context_s() const override;

  // The steps, each of one window or of B of them; their first dimension is then B.
  /// The front end: audio [N] -> [frame_count(N), 128].
  torch::Tensor mel(const torch::Tensor& audio) const;
  /// Log-mel [T, 128] of any length -> [T, 360] in (0, 1).
  torch::Tensor salience(const torch::Tensor& mel) const;
  F0Frames decode(const torch::Tensor& salience) const;

 private:
  RmvpeNetwork network_;
  MelSpectrogram mel_;
  std::int64_t low_, high_;  // classes within the range: low_ <= class < high_
};

}  // namespace voxconv
