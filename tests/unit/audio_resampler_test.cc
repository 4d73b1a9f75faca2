#include <cmath>
#include <numbers>

#include "audio/resampler.h"
#include "audio_testing.h"

namespace voxconv {
namespace {

using namespace testing_audio;

AudioBuffer sine_tone(int rate, double hz, double seconds, double level = 0.5) {
  AudioBuffer audio(rate, 1, std::size_t(std::lround(seconds * rate)));
  for (std::size_t i = 0; i < audio.frames(); ++i)
    audio.channels[0][i] = float(level * std::sin(2 * std::numbers::pi * hz * double(i) / rate));
  return audio;
}

struct Rates {
  int from, to;
};

class ResamplerRates : public testing::TestWithParam<Rates> {};

TEST_P(ResamplerRates, KeepsASineInLevelPlaceAndLength) {
  const auto [from, to] = GetParam();
  const double hz = 0.3 * std::min(from, to);
  const AudioBuffer out = resample(sine_tone(from, hz, 0.7), to);
  ASSERT_EQ(out.rate, to);
  ASSERT_EQ(out.frames(), std::size_t(std::lround(std::lround(0.7 * from) * double(to) / from)));
  // Compared with the sine of the other rate itself: level, delay and distortion in one figure.
  EXPECT_GT(snr_db(sine_tone(to, hz, 0.7).channels[0], out.channels[0], std::size_t(to) / 10), 100);
}

INSTANTIATE_TEST_SUITE_P(Pairs, ResamplerRates,
                         testing::Values(Rates{44100, 16000}, Rates{48000, 16000}, Rates{16000, 44100}, Rates{44100, 48000},
                                         Rates{48000, 44100}, Rates{8000, 44100}, Rates{192000, 44100}, Rates{44099, 16000}),
                         [](const auto& test) { return std::to_string(test.param.from) + "to" + std::to_string(test.param.to); });

TEST(Resampler, QualitiesKeepTheirPromises) {
  const AudioBuffer in = sine_tone(48000, 3000, 0.5), wanted = sine_tone(16000, 3000, 0.5);
  const auto snr = [&](ResamplerQuality quality) { return snr_db(wanted.channels[0], resample(in, 16000, quality).channels[0], 1600); };
  EXPECT_GT(snr(ResamplerQuality::best), 120);
  EXPECT_GT(snr(ResamplerQuality::medium), 100);
  EXPECT_GT(snr(ResamplerQuality::fastest), 85);
}

TEST(Resampler, DoesNotAlias) {
  // 9 kHz cannot be at 16 kHz: what is left of it is alias.
  const AudioBuffer out = resample(sine_tone(48000, 9000, 0.5), 16000);
  double rest = 0;
  for (std::size_t i = 1600; i + 1600 < out.frames(); ++i) rest = std::max(rest, double(std::abs(out.channels[0][i])));
  EXPECT_LT(20 * std::log10(rest / 0.5), -100);
}

TEST(Resampler, DoesNotDependOnTheCut) {
  const AudioBuffer in = chord(44100, 2, 0.4), whole = resample(in, 16000);
  StreamResampler resampler(2, 44100, 16000);
  AudioBuffer parts(16000, 2);
  const auto add = [&](const AudioBuffer& more) {
    for (std::size_t c = 0; c < 2; ++c) parts.channels[c].insert(parts.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
  };
  for (std::size_t begin = 0, length = 1; begin < in.frames(); begin += length, length = length * 3 % 1009 + 1) {
    AudioBuffer part(44100, 0);
    for (const auto& channel : in.channels)
      part.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin),
                                 channel.begin() + std::ptrdiff_t(std::min(begin + length, in.frames())));
    add(resampler.push(part));
  }
  add(resampler.finish());
  ASSERT_EQ(parts.frames(), whole.frames());
  for (std::size_t c = 0; c < 2; ++c) EXPECT_GT(snr_db(whole.channels[c], parts.channels[c]), 140);
}

TEST(Resampler, StartsAnewAfterFinish) {
  const AudioBuffer in = chord(8000, 1, 0.1);
  StreamResampler resampler(1, 8000, 12000);
  const auto run = [&] {
    AudioBuffer out = resampler.push(in);
    const AudioBuffer rest = resampler.finish();
    out.channels[0].insert(out.channels[0].end(), rest.channels[0].begin(), rest.channels[0].end());
    return out.channels[0];
  };
  const auto first = run();
  EXPECT_EQ(first.size(), 1200u);
  EXPECT_EQ(run(), first);
}

TEST(Resampler, TakesTheShortestSounds) {
  for (std::size_t frames : {0u, 1u, 2u, 7u}) {
    AudioBuffer in(44100, 1, frames);
    EXPECT_EQ(resample(in, 48000).frames(), std::size_t(std::lround(double(frames) * 48000 / 44100)));
    EXPECT_EQ(resample(in, 44100).frames(), frames);
  }
}

TEST(Resampler, RefusesNonsense) {
  error_of(ErrorCode::usage, [] { StreamResampler(1, 0, 44100); });
  error_of(ErrorCode::usage, [] { StreamResampler(0, 44100, 48000); });
  error_of(ErrorCode::usage, [] { StreamResampler(1, 100, 48000); });
  error_of(ErrorCode::usage, [] { StreamResampler(1, 44100, 48000).push(AudioBuffer(48000, 1, 5)); });
}

}  // namespace
}  // namespace voxconv
