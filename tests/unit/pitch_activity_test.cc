#include <gtest/gtest.h>

#include <cmath>

#include "features/loudness.h"
#include "features/voice_activity.h"
#include "pitch_testing.h"

namespace voxconv {
namespace {

torch::Tensor sine(double hz, double seconds) {
  return torch::sin(torch::arange(static_cast<std::int64_t>(seconds * feature_rate), torch::kDouble) * (2 * M_PI * hz / feature_rate))
      .to(torch::kFloat);
}

TEST(Loudness, RmsOfASineIsItsEffectiveValue) {
  const torch::Tensor loudness = rms_loudness(sine(500, 1) * 0.5);
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
    const torch::Tensor audio = sine(hz, 1);
    const double gain = (a_weighted_loudness(audio)[50] - rms_loudness(audio)[50]).item<double>();
    EXPECT_NEAR(gain * 20 / std::log(10), db, 0.1) << hz;
  }
}

TEST(VoiceActivity, FindsTheToneAndNotTheNoise) {
  torch::manual_seed(2);
  torch::Tensor audio = 0.001 * torch::randn({5 * feature_rate});
  audio.slice(0, 2 * feature_rate, 3 * feature_rate) += testing_pitch::tone(1, [](double) { return 200.0; });
  torch::Tensor f0 = torch::zeros({501});
  f0.slice(0, 201, 300).fill_(200);
  const std::vector<FrameSpan> spans = active_spans(voice_activity(rms_loudness(audio), f0));
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_NEAR(double(spans[0].begin), 185, 4);
  EXPECT_NEAR(double(spans[0].end), 316, 4);
}

TEST(VoiceActivity, ConsonantsWithoutPitchCount) {
  torch::manual_seed(3);
  torch::Tensor audio = 0.0003 * torch::randn({3 * feature_rate});
  audio.slice(0, feature_rate, feature_rate * 3 / 2) += 0.05 * torch::randn({feature_rate / 2});
  const torch::Tensor activity = voice_activity(rms_loudness(audio), torch::zeros({301}));
  EXPECT_TRUE(activity.slice(0, 101, 149).all().item<bool>());
  EXPECT_FALSE(activity.slice(0, 0, 80).any().item<bool>());
}

TEST(VoiceActivity, SilenceAndNothingAreInactive) {
  EXPECT_TRUE(active_spans(voice_activity(rms_loudness(torch::zeros({feature_rate})), torch::full({101}, 200.0f))).empty());
  EXPECT_EQ(voice_activity(torch::zeros({0}), torch::zeros({0})).size(0), 0);
}

}  // namespace
}  // namespace voxconv
