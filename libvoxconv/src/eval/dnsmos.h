#pragma once
#include <vector>

#include "nn/torch.h"
#include "voxconv/progress.h"

namespace voxconv::eval {

/// Estimated mean opinion scores of ITU-T P.835, about 1 (bad) to 5 (excellent).
struct DnsmosScores {
  double sig = 0;   ///< of the voice
  double bak = 0;   ///< of the background: 5 where no noise disturbs
  double ovrl = 0;  ///< of the whole
};

/// DNSMOS P.835 (Reddy et al., "DNSMOS P.835: a non-intrusive perceptual objective speech quality metric to evaluate noise suppressors",
/// 2022), the model that is not personalised: a network over the log-power spectrum of 9.01 s, and a polynomial for each score. Weights are
/// const: one instance may be used from several threads.
class Dnsmos {
 public:
  /// Loads models/eval/dnsmos. Throws Error(not_found | bad_model).
  explicit Dnsmos(torch::Device device = torch::kCPU);

  /// 16 kHz audio [N] -> the mean over segments of 9.01 s, one for each second, as Microsoft's dnsmos_local.py takes it: shorter audio is
  /// repeated until it is long enough, and a segment that its rounding makes a sample too short does not count (it misses the segments from
  /// 7 to 23 and from 119 to 122 seconds). All NaN where there is no audio. Takes the same memory at any length. Throws
  /// Error(cancelled).
  DnsmosScores score(const torch::Tensor& audio, const CancelToken& cancel = {}) const;

 private:
  struct Layer {
    torch::Tensor weight, bias;
  };
  torch::Tensor spectrum(const torch::Tensor& audio) const;
  torch::Tensor local_features(const torch::Tensor& spectra) const;
  torch::Tensor opinion(const torch::Tensor& features) const;

  torch::Device device_;
  torch::Tensor transform_;
  std::vector<Layer> convolutions_, dense_;
};

}  // namespace voxconv::eval
