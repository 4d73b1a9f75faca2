#pragma once
#include <vector>

#include "features/pitch/f0_estimator.h"
#include "nn/safetensors.h"

namespace voxconv {

/// SwiftF0 (L. Nieradzik, 2025; package swift-f0): three log-frequency spectrograms, a small residual network, 95 pitch classes between
/// 46.9 and 2094 Hz. The original has a frame every 256 samples; estimate() brings them to the 100 Hz clock.
class SwiftF0 : public F0Estimator {
 public:
  static constexpr std::int64_t hop = 256;  ///< samples between the original's frames
  SwiftF0(const nn::Safetensors& weights, const F0Range& range, torch::Device device);
  F0Frames estimate(const torch::Tensor& audio) const override;
  double context_s() const override;

  /// Audio [N] -> frames centred at each multiple of 256 samples, as the original gives them: N / 256, at least one. Here every frame has
  /// its pitch; it is voiced where the confidence is at least 0.5.
  F0Frames analyse(const torch::Tensor& audio) const;

 private:
  struct Affine {
    torch::Tensor weight, bias;
  };
  struct Block {
    Affine first, second;
    std::int64_t dilation;
  };
  struct Spectrogram {
    torch::Tensor window;   // [size]
    torch::Tensor filters;  // [128, size / 2 + 1]
  };
  torch::Tensor spectra(const torch::Tensor& audio, std::int64_t frames) const;

  torch::Device device_;
  std::vector<Spectrogram> spectrograms_;
  Affine input_, squeeze_, pitch_, voicing_, voicing1_, voicing2_;
  std::vector<Block> blocks_;
  torch::Tensor log_hz_;     // [95], double
  std::int64_t low_, high_;  // classes within the range: low_ <= class < high_
};

}  // namespace voxconv
