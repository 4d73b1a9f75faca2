#pragma once
#include <span>
#include <vector>

#include "nn/torch.h"

namespace voxconv::eval {

/// How well a result keeps the melody of its source.
struct PitchError {
  double correlation = 0;   ///< Pearson's, of log f0; NaN where either melody does not move or too little is voiced
  double median_cents = 0;  ///< median absolute error; NaN where nothing is voiced in both
};

/// Compares f0 [Hz, 0 = unvoiced] on one clock over the frames voiced in both; the source is shifted by `key` semitones first. The longer
/// one is cut.
PitchError pitch_error(std::span<const float> source, std::span<const float> result, double key);

/// The first of two estimates of one pitch [Hz, 0 = unvoiced] where the second is within 50 cents of it; 0 elsewhere. The longer one is
/// cut.
std::vector<float> agreed_pitch(std::span<const float> first, std::span<const float> second);

/// Of the frames in which both sounds are voiced by the first estimate: the share in which the estimates agree about both sounds. NaN where
/// there is no such frame. The longer ones are cut.
double pitch_agreement(std::span<const float> first_of_source, std::span<const float> agreed_of_source,
                       std::span<const float> first_of_result, std::span<const float> agreed_of_result);

/// Mean absolute difference in dB between two loudness curves [T] (ln of RMS, see features/loudness.h) after their median difference is
/// taken out, over the frames in which the source is within 40 dB of its loudest. The longer one is cut; NaN where one is empty.
double loudness_error_db(const torch::Tensor& source, const torch::Tensor& result);

/// Cosine of two vectors; NaN where one is all zeros, as the embedding of a silence is.
double cosine(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace voxconv::eval
