#pragma once
#include <vector>

#include "features/mel.h"
#include "features/pitch/f0_estimator.h"
#include "nn/linear.h"
#include "nn/safetensors.h"

namespace voxconv {

/// FCPE, "fast context-based pitch estimation" (Luo et al., 2025; package torchfcpe): log-mel, convolutions, six convolution-only conformer
/// layers, 360 pitch classes. The original normalises one step over the whole input; here over 2 s either side, so that a frame's estimate
/// does not depend on how a long sound is cut, and inputs up to 2 s give the original's numbers.
class Fcpe : public F0Estimator {
 public:
  /// `precision`: of the layers' matrix products; what passes them by is float32. bfloat16 moves the pitch by a cent (docs/f0.md).
  Fcpe(const nn::Safetensors& weights, const F0Range& range, torch::Device device, torch::ScalarType precision = torch::kFloat);
  F0Frames estimate(const torch::Tensor& audio) const override;
  F0Frames estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const override;
  double context_s() const override;

  /// Log-mel [128, T] -> activation of the pitch classes [end - begin, 360] in (0, 1), of the frames [begin, end).
  torch::Tensor activation(const torch::Tensor& mel, std::int64_t begin, std::int64_t end) const;
  /// The front end: [N] -> [128, frame_count(N)].
  torch::Tensor mel(const torch::Tensor& audio) const;

 private:
  struct Affine {
    torch::Tensor weight, bias;
  };
  struct Layer {
    Affine norm, depthwise;
    nn::PackedLinear expand, project;
  };
  torch::Tensor convolve(const Layer& layer, const torch::Tensor& x) const;

  torch::Device device_;
  MelSpectrogram mel_;
  Affine input0_, input_norm_, input1_, norm_;
  nn::PackedLinear output_;
  std::vector<Layer> layers_;
  torch::Tensor cents_;      // [360] above 10 Hz
  std::int64_t low_, high_;  // classes within the range: low_ <= class < high_
};

}  // namespace voxconv
