#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/torch.h"

namespace voxconv::native {

/// The excitation of the voice, sample by sample from a pitch contour: a band-limited pulse train whose spectrum is flat and whose power
/// is 1. The phase is kept in double over the whole song, so the result does not depend on how the frames are cut.
class PulseSource {
 public:
  explicit PulseSource(double initial_phase = 0) : phase_(initial_phase) {}

  /// The `hop` samples between a frame and the next; f0 in Hz, 0 = unvoiced. Between voiced and unvoiced the pulses fade over the interval.
  /// `phase`: that of the fundamental at each sample, in radians in [-pi, pi); a pulse stands at 0.
  void render(float f0, float next_f0, std::span<float> pulses, std::span<float> phase);

 private:
  double phase_;  ///< radians in [-pi, pi)
};

/// Pulses and their phase for each row of f0 [B, T] in Hz, on the CPU -> each [B, T * hop], each row starting at its own phase in radians.
std::pair<torch::Tensor, torch::Tensor> render_pulses(const torch::Tensor& f0, const std::vector<double>& phases);

}  // namespace voxconv::native
