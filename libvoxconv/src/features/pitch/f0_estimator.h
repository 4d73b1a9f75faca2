#pragma once
#include <memory>
#include <string>

#include "nn/torch.h"
#include "voxconv/f0.h"

namespace voxconv {

struct F0Range {
  double min_hz = F0Options{}.min_hz, max_hz = F0Options{}.max_hz;
};

struct F0Frames {
  torch::Tensor hz;          ///< [T] float32, 0 = unvoiced; [B, T] of several windows
  torch::Tensor confidence;  ///< as many, float32 in [0, 1]
};

/// Frames after which the clocks of all estimators meet (SwiftF0 has a frame every 256 samples).
constexpr int f0_window_step = 8;

/// Pitch of 16 kHz audio. Weights are const: one instance may be used from several threads.
class F0Estimator {
 public:
  virtual ~F0Estimator() = default;
  /// [N] -> frame_count(N) frames on the 100 Hz clock.
  /// Where a long sound is cut into windows, let them start at multiples of f0_window_step frames: then every window gives the same
  /// numbers.
  virtual F0Frames estimate(const torch::Tensor& audio) const = 0;
  /// The same frames, of which only those of [begin, end) are of use: the others may be anything. Used where windows come one by one, as on
  /// the CPU.
  virtual F0Frames estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const;
  /// Windows of one length [B, N], each by itself -> [B, frame_count(N)]; on a GPU as one.
  virtual F0Frames estimate_windows(const torch::Tensor& audio) const;
  /// Seconds of audio before and after a frame that its estimate may depend on.
  virtual double context_s() const = 0;
};

/// One of f0_estimators() (voxconv/f0.h). `precision`: what the largest matrix products may be computed in, where the pitch does not
/// suffer. Throws Error(usage | not_found | bad_model).
std::shared_ptr<const F0Estimator> load_f0_estimator(const std::string& name, const F0Range& range, torch::Device device,
                                                     torch::ScalarType precision = torch::kFloat);

}  // namespace voxconv
