#pragma once
#include <vector>

#include "models/rvc/piece.h"
#include "nn/time_conv.h"

namespace voxconv::rvc {

/// Tensors of one step of a residual block: weights [C, C, k], biases [C]; the second convolution may be missing.
struct ResidualWeights {
  torch::Tensor weight1, bias1, weight2, bias2;
  std::int64_t dilation = 1;  ///< of the first convolution; the second one's is 1
};

/// HiFi-GAN's residual block: x += conv2(leaky(conv1(leaky(x)))) for each of its dilations, or x += conv1(leaky(x)) (its kind "2").
/// Activations and additions happen inside the convolutions. Computes exactly the samples asked for: nothing is padded but at the ends of
/// the signal.
class ResidualBlock {
 public:
  ResidualBlock(const std::vector<ResidualWeights>& weights, double slope, torch::Device device, torch::ScalarType type);

  std::int64_t reach() const { return reach_; }  ///< samples either side that a sample depends on
  /// `x` and `activated` = leaky(x) hold span.widened(reach()) as far as it lies within a signal of `length` samples, outside of which all
  /// signals are zero. Returns [1, C, 1, span.size()].
  torch::Tensor operator()(const Piece& x, const Piece& activated, Span span, std::int64_t length) const;

 private:
  struct Step {
    nn::TimeConv first, second;
    bool paired = true;
    std::int64_t reach1 = 0, reach2 = 0;
  };
  std::vector<Step> steps_;
  double slope_;
  std::int64_t reach_ = 0;
};

}  // namespace voxconv::rvc
