#pragma once
#include <cstdint>
#include <vector>

#include "models/native/acoustic.h"
#include "models/native/vocoder.h"

namespace voxconv::train {

/// Converts clips to other speakers, by the shipped base and voices: the content of the result has the words of the clip
/// and little of who says them, so training on it resembles conversion more than training on the recording does (Seed-VC, arXiv
/// 2411.09943). Const and thread-safe.
class SpeakerChanger {
 public:
  explicit SpeakerChanger(torch::Device device);  ///< throws Error(not_found | bad_model)

  /// content [T, content_dim], f0 [T] Hz, loudness [T] of a clip whose speaker has the given embedding [speaker_dim] -> audio [T * hop] at
  /// 44.1 kHz in another voice, at a pitch that suits it. `key` decides in which one, and the noise.
  torch::Tensor convert(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness,
                        const torch::Tensor& embedding, std::uint64_t key) const;

 private:
  struct Speaker {
    torch::Tensor embedding;  ///< [1, speaker_dim]
    double median_f0;         ///< Hz
  };
  mutable native::AcousticModel acoustic_{nullptr};  // LibTorch's forward() is not const; nothing is written in it outside of training
  mutable native::Vocoder vocoder_;
  std::vector<Speaker> speakers_;
  torch::Device device_;
};

}  // namespace voxconv::train
