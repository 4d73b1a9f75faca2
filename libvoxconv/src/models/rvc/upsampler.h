#pragma once
#include "models/rvc/piece.h"
#include "nn/conv.h"

namespace voxconv::rvc {

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

}  // namespace voxconv::rvc
