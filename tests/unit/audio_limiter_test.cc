#include <cmath>
#include <limits>
#include <numbers>

#include "audio/limiter.h"
#include "audio/resampler.h"
#include "audio_testing.h"
#include "core/random.h"
#include "in_pieces.h"

namespace voxconv {
namespace {

using namespace testing_audio;

AudioBuffer limit(const AudioBuffer& in, TruePeakLimiter& limiter, std::size_t block = 1000) { return in_pieces(limiter, in, block); }

/// True peak in dBTP by another way than the limiter's: libsamplerate's best filter at 16 times the rate.
double true_peak_db(const AudioBuffer& audio) {
  double top = 0;
  const AudioBuffer fine = resample(audio, audio.rate * 16);
  for (const auto& channel : fine.channels) top = std::max(top, peak(channel));
  return 20 * std::log10(top);
}

AudioBuffer noise(int rate, int channels, std::size_t frames, double level) {
  AudioBuffer audio(rate, std::size_t(channels), frames);
  for (int c = 0; c < channels; ++c) {
    fill_uniform_noise(std::uint64_t(c + 1), 0, audio.channels[std::size_t(c)]);
    for (float& x : audio.channels[std::size_t(c)]) x = float(x * level);
  }
  return audio;
}

TEST(Limiter, PassesWhatIsBelowTheCeilingBitByBit) {
  const AudioBuffer in = chord(44100, 2, 0.3);
  TruePeakLimiter limiter(2, 44100);
  EXPECT_EQ(limit(in, limiter).channels, in.channels);
  EXPECT_EQ(limiter.largest_reduction_db(), 0);
}

TEST(Limiter, HoldsTheCeilingUnderLoudSines) {
  for (const double share : {0.02, 0.11, 0.25, 0.37}) {  // of the rate; a quarter with this phase peaks 3 dB between the samples
    AudioBuffer in(48000, 1, 12000);
    for (std::size_t i = 0; i < in.frames(); ++i) {
      const double edge = std::min(1.0, double(std::min(i, in.frames() - i)) / 2400);
      in.channels[0][i] = float(1.9 * edge * std::sin(2 * std::numbers::pi * share * double(i) + std::numbers::pi / 4));
    }
    TruePeakLimiter limiter(1, 48000);
    const AudioBuffer out = limit(in, limiter);
    ASSERT_EQ(out.frames(), in.frames());
    EXPECT_LT(true_peak_db(out), -0.995) << share;
    EXPECT_GT(true_peak_db(out), -1.01) << share;
    EXPECT_NEAR(limiter.largest_reduction_db(), 20 * std::log10(1.9) + 1, 0.01) << share;
  }
}

TEST(Limiter, HoldsTheCeilingUnderNoiseAndClicks) {
  // Noise of a band that music fills, far over full scale, and a click amid silence.
  AudioBuffer in = resample(noise(32000, 2, 16000, 3), 48000);
  TruePeakLimiter limiter(2, 48000);
  EXPECT_LT(true_peak_db(limit(in, limiter)), -0.9);
  EXPECT_GT(limiter.largest_reduction_db(), 9);

  AudioBuffer click(44100, 1, 8000);
  click.channels[0][4000] = 4;
  TruePeakLimiter second(1, 44100);
  const AudioBuffer out = limit(click, second);
  EXPECT_NEAR(20 * std::log10(out.channels[0][4000]), -1, 0.02);
  EXPECT_EQ(out.channels[0][3999], 0);
}

TEST(Limiter, FindsThePeakBetweenTheSamples) {
  // All samples at 0.9 of full scale; the wave between them reaches 1.27.
  AudioBuffer in(48000, 1, 9600);
  for (std::size_t i = 0; i < in.frames(); ++i) in.channels[0][i] = i / 2 % 2 ? -0.9f : 0.9f;
  TruePeakLimiter limiter(1, 48000, 0);
  limit(in, limiter);
  EXPECT_GT(limiter.largest_reduction_db(), 20 * std::log10(0.9 * std::numbers::sqrt2) - 0.05);
}

TEST(Limiter, LeavesTheChannelsInBalance) {
  AudioBuffer in = chord(44100, 2, 0.2);
  for (float& x : in.channels[0]) x *= 4;
  TruePeakLimiter limiter(2, 44100);
  const AudioBuffer out = limit(in, limiter);
  for (std::size_t i = 0; i < in.frames(); ++i) {
    if (std::abs(in.channels[0][i]) < 0.1 || std::abs(in.channels[1][i]) < 0.1) continue;
    ASSERT_NEAR(out.channels[0][i] / in.channels[0][i], out.channels[1][i] / in.channels[1][i], 1e-5);
  }
}

TEST(Limiter, ComesBackToBitByBit) {
  AudioBuffer in = chord(44100, 1, 1.5);
  for (std::size_t i = 10000; i < 10100; ++i) in.channels[0][i] *= 3;
  TruePeakLimiter limiter(1, 44100);
  const AudioBuffer out = limit(in, limiter);
  EXPECT_GT(limiter.largest_reduction_db(), 3);
  for (std::size_t i = 0; i < 9500; ++i) ASSERT_EQ(out.channels[0][i], in.channels[0][i]) << i;
  for (std::size_t i = 50000; i < in.frames(); ++i) ASSERT_EQ(out.channels[0][i], in.channels[0][i]) << i;
}

TEST(Limiter, TurnsSmoothly) {
  AudioBuffer in(48000, 1, 20000);
  for (float& x : in.channels[0]) x = 0.5f;  // a level that shows the gain itself
  for (std::size_t i = 9000; i < 9100; ++i) in.channels[0][i] = 2;
  TruePeakLimiter limiter(1, 48000);
  const AudioBuffer out = limit(in, limiter);
  for (std::size_t i = 1000; i + 1000 < in.frames(); ++i) {
    const double before = out.channels[0][i - 1] / in.channels[0][i - 1], now = out.channels[0][i] / in.channels[0][i];
    ASSERT_LT(std::abs(20 * std::log10(now / before)), 0.2) << i;
  }
}

TEST(Limiter, DoesNotDependOnTheCut) {
  const AudioBuffer in = noise(44100, 2, 10000, 1.5);
  TruePeakLimiter a(2, 44100), b(2, 44100), c(2, 44100);
  const AudioBuffer whole = limit(in, a, 10000);
  EXPECT_EQ(limit(in, b, 1).channels, whole.channels);
  EXPECT_EQ(limit(in, c, 777).channels, whole.channels);
  EXPECT_EQ(limit(in, c, 777).channels, whole.channels) << "after finish()";
}

TEST(Limiter, KeepsTheLengthOfTheShortestSounds) {
  for (std::size_t frames : {0u, 1u, 5u, 300u}) {
    TruePeakLimiter limiter(1, 8000);
    EXPECT_EQ(limit(AudioBuffer(8000, 1, frames), limiter).frames(), frames);
  }
}

TEST(Limiter, TakesNoHarmFromNan) {
  AudioBuffer in = chord(16000, 1, 0.2);
  in.channels[0][1000] = std::numeric_limits<float>::quiet_NaN();
  in.channels[0][1001] = std::numeric_limits<float>::infinity();
  TruePeakLimiter limiter(1, 16000);
  const AudioBuffer out = limit(in, limiter);
  EXPECT_EQ(out.channels[0][1000], 0);
  EXPECT_EQ(out.channels[0][1001], 0);
  EXPECT_EQ(out.channels[0][1002], in.channels[0][1002]);
}

}  // namespace
}  // namespace voxconv
