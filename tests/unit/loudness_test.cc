#include "features/loudness.h"

#include <gtest/gtest.h>

#include <cmath>

#include "features/frames.h"

namespace voxconv {
namespace {

torch::Tensor sine_tone(double hz, double seconds) {
  return torch::sin(torch::arange(static_cast<std::int64_t>(seconds * feature_rate), torch::kDouble) * (2 * M_PI * hz / feature_rate))
      .to(torch::kFloat);
}

TEST(Loudness, RmsOfASineIsItsEffectiveValue) {
  const torch::Tensor loudness = rms_loudness(sine_tone(500, 1) * 0.5);
  ASSERT_EQ(loudness.size(0), 101);
  EXPECT_NEAR(loudness[50].item<double>(), std::log(0.5 / std::sqrt(2)), 1e-3);
  EXPECT_NEAR(rms_loudness(torch::zeros({1000}))[3].item<double>(), std::log(1e-5), 1e-6);
  EXPECT_EQ(rms_loudness(torch::zeros({0})).size(0), 1);
}

TEST(Loudness, FramesAreCentred) {
  torch::Tensor click = torch::zeros({feature_rate});
  click[50 * feature_hop] = 1;
  const torch::Tensor loudness = rms_loudness(click);
  EXPECT_EQ(loudness.argmax().item<std::int64_t>(), 50);
  EXPECT_NEAR(loudness[49].item<double>(), loudness[51].item<double>(), 1e-4);
}

TEST(Loudness, AWeightingFollowsTheStandard) {
  // IEC 61672-1, table 3: dB at 100 Hz, 200 Hz, 1 kHz, 2 kHz, 4 kHz.
  const std::pair<double, double> table[] = {{100, -19.1}, {200, -10.9}, {1000, 0}, {2000, 1.2}, {4000, 1.0}};
  for (const auto& [hz, db] : table) {
    const torch::Tensor audio = sine_tone(hz, 1);
    const double gain = (a_weighted_loudness(audio)[50] - rms_loudness(audio)[50]).item<double>();
    EXPECT_NEAR(gain * 20 / std::log(10), db, 0.1) << hz;
  }
}

}  // namespace
}  // namespace voxconv
