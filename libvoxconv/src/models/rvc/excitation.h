#pragma once
#include <cstdint>
#include <vector>

#include "nn/torch.h"

namespace voxconv::rvc {

/// The harmonic source of a neural source-filter decoder (Wang et al. 2019) with RVC's constants: where voiced, sines of amplitude 0.1 at
/// f0 and its multiples with noise of deviation 0.003, where unvoiced noise of deviation 0.1 / 3; mixed by a linear layer and tanh.
class Excitation {
 public:
  enum class Pitch {
    held,         ///< a frame's f0 holds for all of its samples
    interpolated  ///< f0 runs linearly between the frames' centres
  };
  /// `weight` [1, partials]; `bias` [1] or undefined.
  Excitation(const torch::Tensor& weight, const torch::Tensor& bias, int sample_rate, std::int64_t hop, Pitch pitch);

  std::int64_t partials() const { return static_cast<std::int64_t>(weights_.size()); }
  /// `f0` [T] or [T + 1] Hz (0: unvoiced), `noise` [T * hop, partials] N(0, 1) -> [T * hop] float32 on the device of f0. `phase`: turns of
  /// each partial before the first sample, moved to after the last; where empty, all start at 0 (RVC draws those of the overtones: fill
  /// them to have that). With interpolated pitch it carries, in one more place, the f0 before the first frame; after the last frame that is
  /// given f0 is held.
  torch::Tensor operator()(const torch::Tensor& f0, const torch::Tensor& noise, std::vector<double>& phase) const;

 private:
  std::vector<float> weights_;
  float bias_ = 0;
  int sample_rate_;
  std::int64_t hop_;
  Pitch pitch_;
};

}  // namespace voxconv::rvc
