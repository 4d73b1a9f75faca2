#pragma once
#include <cstdint>
#include <span>

#include "nn/torch.h"

namespace voxconv::eval {

/// What is known of how a voice sounds: sums over voiced frames of its mel-frequency cepstral coefficients 1 to 20 (Davis & Mermelstein
/// 1980; from 40 mel bands up to 6 kHz, in dB). The coefficient 0 is left out, so that the level does not count; the band above 6 kHz, so
/// that a recording's own band limit does not.
struct Timbre {
  static constexpr std::int64_t coefficients = 20;
  std::int64_t frames = 0;
  torch::Tensor sum = torch::zeros({coefficients}, torch::kDouble);
  torch::Tensor products = torch::zeros({coefficients, coefficients}, torch::kDouble);

  void add(const Timbre& other);  ///< takes another recording of the same voice in
};

/// Of 16 kHz audio [N]; f0 in Hz at 100 frames a second, 0 = not voiced.
Timbre analyse_timbre(const torch::Tensor& audio, std::span<const float> f0);

/// How alike two voices are, from 0 to 1: 1 / (1 + d / 4.5), where d is the squared Mahalanobis distance of their means under the mean of
/// their covariances. NaN where one has fewer than 100 frames. docs/evaluation.md says how well it tells speakers apart.
double timbre_similarity(const Timbre& a, const Timbre& b);

}  // namespace voxconv::eval
