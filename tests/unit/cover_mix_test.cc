// The mix of a cover: loudness, width and place of the new vocals, and music in another key.
#include "convert/cover_mix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "audio/limiter.h"
#include "cover_fixture.h"
#include "memory_sound.h"

namespace voxconv {
namespace {

TEST(CoverMix, DoesNotDependOnThePieces) {
  const AudioBuffer content = duet(0.5, 0.7, 48000);
  AudioBuffer voice(48000, 1, content.frames() - 3);
  for (std::size_t i = 0; i < voice.frames(); ++i) voice.channels[0][i] = float(0.4 * std::sin(double(i) * i * 1e-6));
  std::vector<AudioBuffer> results;
  for (const std::size_t piece : {voice.frames(), std::size_t(777), std::size_t(100000)}) {
    AudioBuffer vocals = content;
    vocals.channels[1].assign(vocals.frames(), 0);
    MemorySound song(content), own(vocals), cover(AudioBuffer(44100, 2));
    CoverMix mix(song, &own, 48000, {}, {&cover, 44100, nullptr, nullptr, nullptr});
    MemorySound converted(voice);
    for (AudioBuffer part; converted.read(part, piece);) mix.write(part);
    mix.finish();
    results.push_back(cover.audio);
    EXPECT_EQ(cover.audio.frames(), std::size_t(8 * 44100));
  }
  EXPECT_EQ(results[0].channels, results[1].channels);
  EXPECT_EQ(results[0].channels, results[2].channels);
  TruePeakLimiter peak(2, 44100, -0.9);
  peak.push(results[0]);
  peak.finish();
  EXPECT_EQ(peak.largest_reduction_db(), 0);
}

/// Noise of the given correlation in both channels, the right one 6 dB quieter.
AudioBuffer wide_vocals(double correlation, double seconds) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal(0, 0.1);
  AudioBuffer audio(cover_rate, 2, std::size_t(seconds * cover_rate));
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double x = normal(random), y = normal(random);
    audio.channels[0][i] = float(x);
    audio.channels[1][i] = float(0.5 * (correlation * x + std::sqrt(1 - correlation * correlation) * y));
  }
  return audio;
}

/// A sung tone with vibrato, or a short sound each second.
AudioBuffer mono_voice(double seconds, bool sung) {
  std::mt19937 random(9);
  std::normal_distribution<double> normal(0, 0.1);
  AudioBuffer audio(cover_rate, 1, std::size_t(seconds * cover_rate));
  double phase = 0;
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / cover_rate;
    phase += 2 * M_PI * (220 + 6 * std::sin(2 * M_PI * 5.5 * t)) / cover_rate;
    if (sung)
      for (int k = 1; k <= 20; ++k) audio.channels[0][i] += float(0.2 / k * std::sin(k * phase));
    else
      audio.channels[0][i] = float(normal(random) * std::exp(-20 * std::fmod(t, 0.25)));
  }
  return audio;
}

AudioBuffer mixed_vocals(const AudioBuffer& vocals, const AudioBuffer& voice, std::size_t piece) {
  MemorySound song(vocals), own(vocals), cover(AudioBuffer(cover_rate, 2)), stem(AudioBuffer(cover_rate, 2)), converted(voice);
  CoverMix mix(song, &own, cover_rate, {}, {&cover, cover_rate, nullptr, &stem, nullptr});
  for (AudioBuffer part; converted.read(part, piece);) mix.write(part);
  mix.finish();
  return stem.audio;
}

/// K-weighted, but for the first and the last second.
Products channel_products(const AudioBuffer& audio) {
  KWeighting left(cover_rate), right(cover_rate);
  Products sum;
  for (std::size_t i = 0; i + cover_rate < audio.frames(); ++i) {
    const double x = left(audio.channels[0][i]), y = right(audio.channels[1][i]);
    if (i >= cover_rate) sum.add({x * x, y * y, x * y}, 1.0 / double(audio.frames() - 2 * cover_rate));
  }
  return sum;
}

TEST(CoverMix, TheVocalsAreAsWideAsTheyWere) {
  for (const bool sung : {true, false})
    for (const double correlation : {0.95, 0.6, 0.0, -0.4}) {
      const AudioBuffer vocals = wide_vocals(correlation, 6), voice = mono_voice(6, sung);
      const AudioBuffer made = mixed_vocals(vocals, voice, 5000);
      const Products was = channel_products(vocals), is = channel_products(made);
      EXPECT_NEAR(is.xy / std::sqrt(is.xx * is.yy), correlation, 0.1) << sung;
      EXPECT_NEAR(10 * std::log10(is.xx / was.xx), 0, 0.5) << sung << correlation;
      EXPECT_NEAR(10 * std::log10(is.yy / was.yy), 0, 0.5) << sung << correlation;
      EXPECT_EQ(mixed_vocals(vocals, voice, 777).channels, made.channels);
    }
}

TEST(CoverMix, AVoiceOfNoWidthOrOnOneSideTakesNothingOfTheCopy) {
  const AudioBuffer voice = mono_voice(4, true);
  AudioBuffer both = voice;
  both.channels.push_back(voice.channels[0]);  // converted channels that come as two get no copy
  for (const float right : {1.0F, 0.3F, 0.0F}) {
    AudioBuffer vocals = both;
    for (float& x : vocals.channels[1]) x *= right;
    EXPECT_EQ(mixed_vocals(vocals, voice, 5000).channels, mixed_vocals(vocals, both, 5000).channels) << right;
  }
}

TEST(ShiftedSong, KeepsItsVocalsWhateverThePieces) {
  const AudioBuffer song = duet(0.2, 0.2, cover_rate, 4);
  AudioBuffer vocals = song, music = song;
  std::ranges::fill(vocals.channels[1], 0.0F);
  std::ranges::fill(music.channels[0], 0.0F);
  std::vector<AudioBuffer> results;
  for (const std::size_t piece : {std::size_t(100000), std::size_t(777)}) {
    MemorySound all(song), own(vocals), out(AudioBuffer(cover_rate, 2));
    ShiftedSong shifted(all, own, 3);
    for (AudioBuffer part; shifted.read(part, piece);) out.write(part);
    results.push_back(out.audio);
  }
  EXPECT_EQ(results[0].channels, results[1].channels);
  ASSERT_EQ(results[0].frames(), song.frames());
  EXPECT_EQ(results[0].channels[0], song.channels[0]);
  MusicShift shift(2, cover_rate, 3);
  AudioBuffer alone = shift.push(music);
  const AudioBuffer rest = shift.finish();
  alone.channels[1].insert(alone.channels[1].end(), rest.channels[1].begin(), rest.channels[1].end());
  EXPECT_EQ(results[0].channels[1], alone.channels[1]);
}

TEST(Decorrelator, KeepsLevelsAndLeavesNoEcho) {
  Decorrelator decorrelate(cover_rate);
  double all = 0, late = 0, largest = 0;
  for (int i = 0; i < cover_rate; ++i) {
    const double x = decorrelate(i == 0 ? 1 : 0);
    all += x * x;
    if (i > 0.02 * cover_rate) late += x * x;
    largest = std::max(largest, std::abs(x));
  }
  EXPECT_NEAR(all, 1, 1e-4);
  EXPECT_LT(10 * std::log10(late), -10);
  EXPECT_LT(largest, 0.5);
}

}  // namespace
}  // namespace voxconv
