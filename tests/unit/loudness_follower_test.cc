#include "convert/loudness_follower.h"

#include <gtest/gtest.h>

#include <cmath>

namespace voxconv {
namespace {

constexpr int hop = 441;

std::vector<float> sine(std::size_t samples, double amplitude) {
  std::vector<float> audio(samples);
  for (std::size_t i = 0; i < samples; ++i) audio[i] = float(amplitude * std::sin(0.05 * double(i)));
  return audio;
}

std::vector<float> follow(double amount, const std::vector<float>& source, const std::vector<float>& audio, std::size_t chunk) {
  LoudnessFollower follower(amount, hop);
  std::vector<float> out;
  for (std::size_t i = 0; i < audio.size(); i += chunk) {
    const auto levels = i == 0 ? std::span<const float>(source) : std::span<const float>();
    const auto part = follower.push(levels, std::span(audio).subspan(i, std::min(chunk, audio.size() - i)));
    out.insert(out.end(), part.begin(), part.end());
  }
  const auto tail = follower.finish();
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

double rms(const std::vector<float>& audio, std::size_t from, std::size_t to) {
  double power = 0;
  for (std::size_t i = from; i < to; ++i) power += double(audio[i]) * audio[i] / double(to - from);
  return std::sqrt(power);
}

TEST(LoudnessFollower, BringsTheLevelToTheSources) {
  const std::vector<float> source(101, float(std::log(0.1)));
  const auto audio = sine(100 * hop, 0.1);  // RMS 0.0707
  EXPECT_NEAR(rms(follow(1, source, audio, 10000), 40 * hop, 90 * hop), 0.1, 0.002);
  EXPECT_NEAR(rms(follow(0, source, audio, 10000), 40 * hop, 90 * hop), 0.0707, 0.001);
  EXPECT_NEAR(rms(follow(0.5, source, audio, 10000), 40 * hop, 90 * hop), std::sqrt(0.1 * 0.0707), 0.002);
}

TEST(LoudnessFollower, ChangesNoLength) {
  for (const std::size_t samples : {0ul, 1ul, 440ul, 441ul, 1000ul, 44100ul})
    EXPECT_EQ(follow(1, std::vector<float>(samples / hop + 1, -2), sine(samples, 0.1), 300).size(), samples);
}

TEST(LoudnessFollower, DoesNotDependOnTheCut) {
  const std::vector<float> source(101, -2.f);
  const auto audio = sine(100 * hop, 0.1);
  EXPECT_EQ(follow(1, source, audio, 44100), follow(1, source, audio, 97));
}

TEST(LoudnessFollower, KeepsSilenceSilent) {
  const std::vector<float> source(101, float(std::log(1e-5)));
  EXPECT_EQ(rms(follow(1, source, sine(100 * hop, 0.5), 5000), 0, 100 * hop), 0);
}

TEST(LoudnessFollower, BoundsItsGain) {
  const std::vector<float> source(101, 0.f);
  EXPECT_LE(rms(follow(1, source, sine(100 * hop, 0.01), 5000), 50 * hop, 100 * hop), 0.01 / std::sqrt(2) * std::pow(10, 12.0 / 20) * 1.01);
}

}  // namespace
}  // namespace voxconv
