#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "features/frames.h"

namespace voxconv::testing_pitch {

/// A voice-like tone of 16 kHz whose pitch in Hz at second t is hz(t): harmonics falling with 1/h.
template <typename Hz>
torch::Tensor tone(double seconds, Hz hz) {
  const auto samples = static_cast<std::int64_t>(std::llround(seconds * feature_rate));
  torch::Tensor audio = torch::zeros({samples});
  double phase = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    const double f = hz(double(i) / feature_rate);
    double value = 0;
    for (int h = 1; h <= 30 && h * f < 7500; ++h) value += std::sin(h * phase + h * h) / h;
    audio.data_ptr<float>()[i] = static_cast<float>(0.2 * value);
    phase += 2 * M_PI * f / feature_rate;
  }
  return audio;
}

/// |cents| between the frames and the truth hz(t), of the frames that have a pitch, sorted; the first and last 0.1 s left out.
template <typename Hz>
std::vector<double> cents_off(const torch::Tensor& estimate, Hz hz) {
  std::vector<double> off;
  for (std::int64_t t = 10; t < estimate.size(0) - 10; ++t)
    if (const double f = estimate[t].item<double>(); f > 0) off.push_back(std::abs(1200 * std::log2(f / hz(double(t) / frame_rate))));
  std::sort(off.begin(), off.end());
  return off;
}

}  // namespace voxconv::testing_pitch
