#include "features/background.h"

#include <gtest/gtest.h>

#include <cmath>

#include "features/frames.h"
#include "features/loudness.h"

namespace voxconv {
namespace {

/// Seconds of a song: what is sung, a room around it, breaths.
struct Take {
  explicit Take(double seconds, double room_db) : audio(noise(seconds, room_db)), f0(torch::zeros({frame_count(audio.size(0))})) {}

  static torch::Tensor noise(double seconds, double db) {
    return torch::randn({std::int64_t(seconds * feature_rate)}) * std::pow(10, db / 20);
  }
  void add_voiced(double from, double to) {
    const auto begin = std::int64_t(from * feature_rate), end = std::int64_t(to * feature_rate);
    audio.slice(0, begin, end) += 0.1 * torch::sin(2 * M_PI * 200 / feature_rate * torch::arange(end - begin));
    f0.slice(0, std::int64_t(from * frame_rate), std::int64_t(to * frame_rate)).fill_(200);
  }
  void breathe(double from, double to, double db) {
    const auto begin = std::int64_t(from * feature_rate), end = std::int64_t(to * feature_rate);
    audio.slice(0, begin, end) += noise(to - from, db) * torch::hann_window(end - begin, false).sqrt();
  }
  /// By how much the background is lowered, in dB, per frame.
  torch::Tensor lowered(double db = 20) const {
    const torch::Tensor loudness = rms_loudness(audio);
    return (loudness - lower_background(loudness, f0, db)) * db_per_neper;
  }

  torch::Tensor audio, f0;
};

double mean(const torch::Tensor& x, double from, double to) {
  return x.slice(0, std::int64_t(from * frame_rate), std::int64_t(to * frame_rate)).mean().item<double>();
}

/// Phrases with a breath before each but the first.
Take song(double room_db, double breath_db) {
  torch::manual_seed(3);
  Take take(10, room_db);
  take.add_voiced(0.5, 2.5);
  take.breathe(3.3, 3.7, breath_db);
  take.add_voiced(4, 6);
  take.breathe(6.8, 7.3, breath_db);
  take.add_voiced(7.6, 9);
  return take;
}

TEST(Background, TheRoomGoesAndBreathsStay) {
  for (const auto& [room, breath] : {std::pair{-60.0, -43.0}, {-72.0, -50.0}, {-50.0, -36.0}, {-100.0, -60.0}}) {
    const torch::Tensor lowered = song(room, breath).lowered();
    EXPECT_LT(mean(lowered, 3.42, 3.58), 1) << room;
    EXPECT_LT(mean(lowered, 6.95, 7.15), 1) << room;
    EXPECT_NEAR(mean(lowered, 2.75, 3.15), 20, 1) << room;
    EXPECT_NEAR(mean(lowered, 9.3, 9.9), 20, 1) << room;
    EXPECT_LT(mean(lowered, 0.6, 2.4), 0.1) << room;
  }
}

TEST(Background, AClickIsNoBreath) {
  Take take = song(-60, -43);
  take.audio[std::int64_t(9.5 * feature_rate)] += 0.1;
  EXPECT_GT(mean(take.lowered(), 9.45, 9.55), 15);
}

TEST(Background, SteadyNoiseAloneIsBackground) {
  torch::manual_seed(5);
  EXPECT_NEAR(mean(Take(8, -30).lowered(), 0.2, 7.8), 20, 1.5);
}

TEST(Background, FollowsARoomThatChanges) {
  torch::manual_seed(6);
  Take take(20, -65);
  take.audio.slice(0, 10 * feature_rate) += Take::noise(10, -48);
  take.add_voiced(1, 4);
  take.add_voiced(15, 18);
  const torch::Tensor lowered = take.lowered();
  EXPECT_NEAR(mean(lowered, 5, 8), 20, 1);
  EXPECT_NEAR(mean(lowered, 14, 14.8), 20, 1.5);
  EXPECT_NEAR(mean(lowered, 18.5, 19.8), 20, 1.5);
}

TEST(Background, APassageWithoutPausesHasNone) {
  torch::manual_seed(7);
  Take take(6, -45);
  for (double t = 0; t < 6; t += 0.5) take.add_voiced(t, t + 0.35);  // and consonants of 0.15 s
  EXPECT_EQ(take.lowered().abs().max().item<double>(), 0);
}

TEST(Background, BetweenWordsNoMoreThanTenDb) {
  torch::manual_seed(8);
  Take take(6, -50);
  take.add_voiced(1, 2);
  take.add_voiced(2.2, 3);
  const torch::Tensor lowered = take.lowered();
  EXPECT_GT(mean(lowered, 2.08, 2.12), 4);
  EXPECT_LE(lowered.slice(0, 205, 215).max().item<double>(), 10.1);
}

TEST(Background, OfNothingIsNothing) {
  EXPECT_EQ(lower_background(torch::zeros({0}), torch::zeros({0}), 20).size(0), 0);
  EXPECT_EQ(lower_background(torch::full({1}, -4.f), torch::zeros({1}), 20).item<float>(), -4);
}

}  // namespace
}  // namespace voxconv
