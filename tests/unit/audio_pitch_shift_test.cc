// The shift of the music's key: pitch, length, time, stereo and level, on tones and on music made for the test.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "audio/pitch_shift.h"
#include "in_pieces.h"

namespace voxconv {
namespace {

constexpr double tau = 2 * std::numbers::pi;

AudioBuffer shifted(const AudioBuffer& audio, double semitones, std::size_t piece = 44100) {
  PitchShift shift(int(audio.channel_count()), audio.rate, semitones);
  return in_pieces(shift, audio, piece);
}

AudioBuffer tone(int rate, double hz, double seconds, double left = 0.3, double right = 0.3) {
  AudioBuffer audio(rate, 2, std::size_t(seconds * rate));
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double x = std::sin(tau * hz * double(i) / rate);
    audio.channels[0][i] = float(left * x);
    audio.channels[1][i] = float(right * x);
  }
  return audio;
}

/// The power at a frequency, by a Hann window.
double power_at(const std::vector<float>& x, int rate, double hz) {
  const std::complex<double> turn = std::polar(1.0, tau * hz / rate), wave = std::polar(1.0, tau / double(x.size()));
  std::complex<double> sum = 0, at = 1, window = 1;
  for (const float sample : x) {
    sum += (1 - window.real()) * sample * at;
    at *= turn;
    window *= wave;
  }
  return 2 * std::norm(sum / double(x.size()));
}

/// Cents by which the strongest line within a quarter of a semitone lies off `hz`.
double cents_off(const std::vector<float>& x, int rate, double hz) {
  double best = -1, off = 0;
  for (double cents = -25; cents <= 25; cents += 2.5)
    if (const double power = power_at(x, rate, hz * std::exp2(cents / 1200)); power > best) {
      best = power;
      off = cents;
    }
  return off;
}

/// Without its first and last second, in which the sound begins and ends.
std::vector<float> inner(const std::vector<float>& x, int rate) { return {x.begin() + rate, x.end() - rate}; }

double power(const std::vector<float>& x) {
  double sum = 0;
  for (const float sample : x) sum += double(sample) * sample;
  return sum / double(x.size());
}

TEST(PitchShift, TonesAreWhereTheyShouldBeAsLoudAsTheyWere) {
  for (const double semitones : {-6.0, -1.0, 2.0, 3.5, 6.0})
    for (const double hz : {220.0, 997.0, 5000.0}) {
      const double there = hz * std::exp2(semitones / 12);
      const AudioBuffer out = shifted(tone(48000, hz, 4, 0.3, 0.1), semitones);
      ASSERT_EQ(out.frames(), 4 * 48000u);
      const std::vector<float> left = inner(out.channels[0], 48000);
      EXPECT_LE(std::abs(cents_off(left, 48000, there)), 2.5) << hz << " " << semitones;
      EXPECT_GT(power_at(left, 48000, there), 0.5 * power(left)) << hz << " " << semitones;
      EXPECT_NEAR(10 * std::log10(power(left) / 0.045), 0, 0.2) << hz << " " << semitones;
      // All channels are cut alike: what is on one side stays there.
      for (std::size_t i = 0; i < out.frames(); i += 101) ASSERT_NEAR(out.channels[0][i], 3 * out.channels[1][i], 1e-5);
    }
}

TEST(PitchShift, NothingFoldsBackFromAboveTheBand) {
  const AudioBuffer out = shifted(tone(44100, 17000, 3), 6);  // 24 kHz
  EXPECT_LT(power(inner(out.channels[0], 44100)), 0.045e-10);
}

TEST(PitchShift, WhatTheChannelsHaveInCommonStays) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.1F);
  AudioBuffer audio(44100, 2, 6 * 44100);
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const float both = normal(random);
    for (auto& channel : audio.channels) channel[i] = both + 0.7F * normal(random);
  }
  const auto correlation = [](const AudioBuffer& of) {
    double sum = 0;
    for (std::size_t i = 0; i < of.frames(); ++i) sum += double(of.channels[0][i]) * of.channels[1][i];
    return sum / double(of.frames()) / std::sqrt(power(of.channels[0]) * power(of.channels[1]));
  };
  for (const double semitones : {-4.0, 5.0}) EXPECT_NEAR(correlation(shifted(audio, semitones)), correlation(audio), 0.02);
}

/// Struck strings with a noise at the strike, at irregular times, which `onsets` gets.
AudioBuffer struck_music(int rate, double seconds, std::vector<double>& onsets) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal(0, 1);
  AudioBuffer audio(rate, 1, std::size_t(seconds * rate));
  for (double start = 0.5; start < seconds - 0.8; start += 0.3 + 0.3 * double(random() % 1000) / 1000) {
    onsets.push_back(start);
    const double hz = 100 + double(random() % 800);
    for (int i = 0; i < 3 * rate / 10; ++i) {
      const double t = double(i) / rate, string = std::exp(-15 * t) * (std::sin(tau * hz * t) + std::sin(1.5 * tau * hz * t));
      audio.channels[0][std::size_t(start * rate) + std::size_t(i)] += float(0.2 * string + 0.3 * std::exp(-200 * t) * normal(random));
    }
  }
  return audio;
}

/// How much the level rises within 5 ms, for every half millisecond.
std::vector<double> rises(const std::vector<float>& x, int rate) {
  const std::size_t hop = std::size_t(rate) / 2000, reach = 10;
  std::vector<double> sums{0}, rise;
  for (std::size_t i = 0; i + hop <= x.size(); i += hop) {
    double sum = 0;
    for (std::size_t k = i; k < i + hop; ++k) sum += double(x[k]) * x[k];
    sums.push_back(sums.back() + std::sqrt(sum / double(hop)));
  }
  for (std::size_t i = 0; i + 1 < sums.size(); ++i)
    rise.push_back(i < reach || i + reach >= sums.size() ? 0 : std::max(0.0, sums[i + reach] - 2 * sums[i] + sums[i - reach]));
  return rise;
}

/// Milliseconds by which each onset of `late` follows that of `early`.
std::vector<double> delays_ms(const AudioBuffer& early, const AudioBuffer& late, const std::vector<double>& onsets) {
  const double hop_s = double(early.rate / 2000) / early.rate;
  const std::vector<double> before = rises(early.channels[0], early.rate), after = rises(late.channels[0], late.rate);
  std::vector<double> delays;
  for (const double onset : onsets) {
    const auto at = std::ptrdiff_t(onset / hop_s);
    double best = -1, delay = 0;
    for (std::ptrdiff_t lag = -60; lag <= 60; ++lag) {
      double sum = 0;
      for (std::ptrdiff_t k = at - 40; k < at + 40; ++k) sum += before[std::size_t(k)] * after[std::size_t(k + lag)];
      if (sum <= best) continue;
      best = sum;
      delay = 1000 * hop_s * double(lag);
    }
    delays.push_back(delay);
  }
  return delays;
}

double mean(const std::vector<double>& x, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += x[i];
  return sum / double(end - begin);
}

TEST(PitchShift, OnsetsStayInTime) {
  for (const auto& [rate, semitones] : {std::pair(44100, -6.0), std::pair(48000, -4.0), std::pair(44100, -1.0), std::pair(44100, 0.5),
                                        std::pair(48000, 2.0), std::pair(44100, 3.0), std::pair(48000, 6.0)}) {
    std::vector<double> onsets;
    const AudioBuffer music = struck_music(rate, 20, onsets);
    const std::vector<double> late = delays_ms(music, shifted(music, semitones), onsets);
    EXPECT_NEAR(mean(late, 0, late.size()), 0, 1.5) << rate << " " << semitones;
    double square = 0;
    for (const double delay : late) square += delay * delay;
    EXPECT_LT(std::sqrt(square / double(late.size())), 5) << rate << " " << semitones;
  }
}

TEST(PitchShift, ALongSongDoesNotDrift) {
  std::vector<double> onsets;
  const AudioBuffer music = struck_music(44100, 185, onsets);
  const std::vector<double> late = delays_ms(music, shifted(music, -3), onsets);
  const std::size_t tenth = late.size() / 10;
  EXPECT_NEAR(mean(late, 0, tenth), mean(late, late.size() - tenth, late.size()), 1.5);
}

TEST(PitchShift, NothingDependsOnThePieces) {
  std::vector<double> onsets;
  const AudioBuffer music = struck_music(44100, 4, onsets);
  const AudioBuffer whole = shifted(music, 3, 1 << 20);
  EXPECT_EQ(whole.frames(), music.frames());
  EXPECT_EQ(shifted(music, 3, 777).channels, whole.channels);
  EXPECT_EQ(shifted(music, 3, 1024).channels, whole.channels);
  EXPECT_EQ(shifted(AudioBuffer(44100, 1, 10), -5).frames(), 10u);
  EXPECT_EQ(shifted(AudioBuffer(44100, 1, 0), -5).frames(), 0u);
}

TEST(PitchShift, DenormalsAreKept) {
  const PitchShift shift(2, 44100, 3);
  volatile float tiny = 4e-39F;
  EXPECT_NE(tiny * 0.5F, 0.0F);
}

}  // namespace
}  // namespace voxconv
