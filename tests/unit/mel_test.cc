#include "features/mel.h"

#include <gtest/gtest.h>

namespace voxconv {
namespace {

constexpr double two_pi = 6.283185307179586;

torch::Tensor sine(double hz, int rate, std::int64_t samples) {
  return torch::sin(torch::arange(samples, torch::kDouble) * (two_pi * hz / rate)).to(torch::kFloat);
}

TEST(MelFilters, SlaneyFiltersHaveUnitAreaAndHtkFiltersPeakAtOne) {
  MelConfig config;
  config.sample_rate = 16000;
  config.n_fft = 16384;
  config.bins = 40;
  const double bin_hz = double(config.sample_rate) / config.n_fft;
  const torch::Tensor area = mel_filters(config).sum(1) * bin_hz;
  EXPECT_LT((area - 1).abs().max().item<double>(), 1e-3);
  config.scale = MelConfig::Scale::htk;
  config.norm = MelConfig::Norm::none;
  const torch::Tensor peak = std::get<0>(mel_filters(config).max(1));
  EXPECT_GT(peak.min().item<double>(), 0.95);
  EXPECT_LE(peak.max().item<double>(), 1);
}

TEST(MelSpectrogram, ASineIsLoudestInTheFilterAroundIt) {
  const MelConfig config = whisper_mel();
  const torch::Tensor mel = MelSpectrogram(config)(sine(1000, 16000, 16000));
  const std::int64_t bin = mel.select(1, 50).argmax().item<std::int64_t>();
  // 80 filters between 0 and 8 kHz (45.2 slaney mels, 1 kHz is mel 15): the centre of filter 26 lies nearest to 1 kHz.
  EXPECT_EQ(bin, 26);
}

TEST(MelSpectrogram, FrameCounts) {
  MelConfig config = whisper_mel();
  for (const std::int64_t samples : {1, 100, 159, 160, 201, 16000}) {
    config.padding = MelConfig::Padding::reflect;
    EXPECT_EQ(MelSpectrogram(config)(torch::randn({samples})).size(1), samples / 160 + 1) << samples;
    config.padding = MelConfig::Padding::zero;
    EXPECT_EQ(MelSpectrogram(config)(torch::randn({samples})).size(1), samples / 160 + 1) << samples;
    config.padding = MelConfig::Padding::same;
    EXPECT_EQ(MelSpectrogram(config)(torch::randn({samples})).size(1), std::max<std::int64_t>(1, samples / 160)) << samples;
  }
}

TEST(MelSpectrogram, BatchesEqualSingles) {
  const MelSpectrogram mel(whisper_mel());
  const torch::Tensor audio = torch::randn({2, 4000});
  const torch::Tensor both = mel(audio);
  ASSERT_EQ(both.sizes(), torch::IntArrayRef({2, 80, 26}));
  EXPECT_TRUE(torch::allclose(both[1], mel(audio[1]), 1e-4, 1e-5));
}

TEST(MelSpectrogram, GradientsReachTheAudioEvenInSilence) {
  MelConfig config;
  config.power = 1;
  config.magnitude_eps = 1e-9;
  config.log = MelConfig::Log::natural;
  config.floor = 1e-5;
  torch::Tensor audio = torch::cat({torch::zeros({4096}), torch::randn({4096})}).requires_grad_();
  const MelSpectrogram mel(config);
  mel(audio).sum().backward();
  EXPECT_TRUE(torch::isfinite(audio.grad()).all().item<bool>());
  EXPECT_GT(audio.grad().abs().sum().item<double>(), 0);
}

TEST(WhisperNormalise, FloorsEightBelowTheLoudest) {
  const torch::Tensor mel = whisper_normalise(torch::tensor({{-20.f, 0.f, -8.f, -4.f}}));
  EXPECT_TRUE(torch::allclose(mel, torch::tensor({{-1.f, 1.f, -1.f, 0.f}})));
}

}  // namespace
}  // namespace voxconv
