#pragma once
#include <string>
#include <vector>

#include "models/rvc/tiling.h"
#include "nn/conv.h"
#include "nn/tensor_reader.h"
#include "nn/time_conv.h"

namespace voxconv::rvc {

/// Weight and bias of a layer.
struct Affine {
  torch::Tensor weight, bias;
};

/// "<name>.weight" of `shape` and "<name>.bias" [shape[0]].
inline Affine take_affine(nn::TensorReader& reader, const std::string& name, torch::IntArrayRef shape) {
  return {reader.take(name + ".weight", shape), reader.take(name + ".bias", {shape[0]})};
}

/// A transposed convolution over time that makes `rate` samples of one, cut so that L samples become exactly L * rate. Computed as a
/// convolution whose output channels are the `rate` samples: channels-last memory lays them side by side as they follow in time.
class Upsampler {
 public:
  Upsampler() = default;
  /// `weight` [in, out, k] with k >= rate, `bias` [out].
  Upsampler(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t rate, torch::Device device, torch::ScalarType type);

  std::int64_t rate() const { return rate_; }
  Span input(Span output) const;    ///< the samples needed for `output`, not cut to the signal's ends
  Span covered(Span output) const;  ///< what is computed for `output`: whole groups of `rate` samples
  /// `x` holds input(output) within its signal of `length` samples. `added` [1, out, 1, covered(output).size()] or undefined is added.
  Piece operator()(const Piece& x, std::int64_t length, Span output, const torch::Tensor& added) const;

 private:
  nn::PackedConv conv_;
  std::int64_t rate_ = 1, taps_ = 1, padding_ = 0, channels_ = 0;
  Span groups(Span output) const;
};

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
