#pragma once
#include <memory>
#include <string>
#include <vector>

#include "eval/dnsmos.h"
#include "eval/timbre.h"
#include "features/pitch/f0_estimator.h"
#include "features/speaker/speaker_encoder.h"
#include "nn/torch.h"
#include "voxconv/audio_buffer.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {

/// One sound with what its measures, and the comparisons with others, are taken from. Tensors are on the CPU.
struct Sound {
  torch::Tensor full_band;     ///< [N] 44.1 kHz, channels mixed as a conversion mixes them
  torch::Tensor audio;         ///< [M] the same at 16 kHz
  std::vector<float> f0;       ///< Hz at 100 frames a second, 0 = unvoiced: FCPE's, one fixed judge, whatever a conversion used
  std::vector<float> agreed;   ///< the same where SwiftF0 agrees
  std::vector<float> pitched;  ///< above 0 where either of them found a pitch
  torch::Tensor loudness;      ///< a_weighted_loudness()
  torch::Tensor embedding;     ///< [256]
  torch::Tensor spectrum;      ///< long_term_spectrum()
  Timbre timbre;
  SoundFigures figures;
};

/// Takes sounds apart. Loads the networks once; one per thread.
class SoundAnalyser {
 public:
  explicit SoundAnalyser(torch::Device device);  ///< throws Error(not_found | bad_model)
  torch::Device device() const { return device_; }
  Sound analyse(const AudioBuffer& audio, const CancelToken& cancel) const;  ///< throws Error(cancelled)

 private:
  torch::Device device_;
  std::shared_ptr<const F0Estimator> fcpe_, swift_f0_;
  SpeakerEncoder encoder_;
  Dnsmos dnsmos_;
};

}  // namespace voxconv::eval
