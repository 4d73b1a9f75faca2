// The parts of RVC's pipeline that a stream goes through, against the same for whole files.
#include <gtest/gtest.h>

#include <cmath>

#include "convert/channel_pipeline.h"
#include "features/highpass.h"
#include "features/pitch/smooth.h"
#include "features/rms_mix.h"

namespace voxconv {
namespace {

std::vector<float> noise(std::int64_t count, double level = 0.3) {
  torch::manual_seed(4);
  const torch::Tensor x = torch::randn(count) * level + 0.1;
  return {x.data_ptr<float>(), x.data_ptr<float>() + count};
}

/// The pushes of a stream, of so many samples each.
std::vector<std::span<const float>> cut(const std::vector<float>& audio, std::size_t size) {
  std::vector<std::span<const float>> parts;
  for (std::size_t at = 0; at < audio.size(); at += size) parts.push_back(std::span(audio).subspan(at, std::min(size, audio.size() - at)));
  return parts;
}

std::vector<float> streamed_highpass(const std::vector<float>& audio, std::size_t size) {
  StreamHighpass filter;
  std::vector<float> out;
  for (const auto part : cut(audio, size)) {
    const std::vector<float> more = filter.push(part);
    out.insert(out.end(), more.begin(), more.end());
  }
  const std::vector<float> rest = filter.finish();
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

TEST(Highpass, StreamEqualsTheWholeFile) {
  for (const std::int64_t length : {1, 5, 18, 19, 20, 3000, 50000}) {
    const std::vector<float> audio = noise(length);
    const std::vector<double> whole = highpass(std::vector<double>(audio.begin(), audio.end()));
    const std::vector<float> stream = streamed_highpass(audio, 777);
    ASSERT_EQ(stream.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(stream[i], whole[i], 1e-6) << length << " " << i;
  }
}

TEST(Highpass, TheCutChangesNothing) {
  const std::vector<float> audio = noise(60000);
  EXPECT_EQ(streamed_highpass(audio, 7), streamed_highpass(audio, 60000));
}

TEST(Highpass, TakesAwayWhatLiesBelow) {
  std::vector<double> low(16000), high(16000);
  for (std::size_t i = 0; i < low.size(); ++i) {
    low[i] = std::sin(2 * M_PI * 15 * double(i) / 16000);
    high[i] = std::sin(2 * M_PI * 300 * double(i) / 16000);
  }
  EXPECT_LT(std::abs(highpass(low)[8000 + 267]), 1e-3);
  EXPECT_NEAR(highpass(high)[8013], high[8013], 1e-3);
}

std::vector<float> streamed_mix(const std::vector<float>& source, const std::vector<float>& result, double rate, std::size_t size) {
  StreamRmsMix mix(1000, 2000, rate);
  std::vector<float> out;
  for (const auto part : cut(source, size * 3)) mix.push_source(part);
  for (const auto part : cut(result, size)) {
    const std::vector<float> more = mix.push(part);
    out.insert(out.end(), more.begin(), more.end());
  }
  const std::vector<float> rest = mix.finish();
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

TEST(RmsMix, StreamIsNearTheWholeFile) {
  std::vector<float> source = noise(20000, 0.2), result = noise(40000, 0.05);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] *= float(1 + std::sin(double(i) / 4000));
  const std::vector<float> stream = streamed_mix(source, result, 0.25, 333);
  mix_rms(std::vector<double>(source.begin(), source.end()), 1000, result, 2000, 0.25);
  ASSERT_EQ(stream.size(), result.size());
  const double difference = (torch::tensor(stream) - torch::tensor(result)).norm().item<double>();
  EXPECT_LT(difference / torch::tensor(result).norm().item<double>(), 0.15);  // RVC's stretch moves the measurements by up to 0.25 s
}

TEST(RmsMix, RateZeroGivesTheSourcesLoudness) {
  const std::vector<float> source = noise(20000, 0.2), out = streamed_mix(source, noise(40000, 0.05), 0, 1000);
  const auto rms = [](const std::vector<float>& x) { return torch::tensor(x).square().mean().sqrt().item<double>(); };
  EXPECT_NEAR(rms(out) / rms(source), 1, 0.03);
}

TEST(RmsMix, TheCutChangesNothingAndSilenceStays) {
  const std::vector<float> source = noise(7777), result = noise(15555, 0.05);
  EXPECT_EQ(streamed_mix(source, result, 0.25, 100), streamed_mix(source, result, 0.25, 15555));
  for (const float x : streamed_mix(std::vector<float>(7777), result, 0.25, 500)) ASSERT_EQ(x, 0);
}

FeatureFrames frames(const torch::Tensor& f0) { return {torch::arange(f0.size(0), torch::kFloat).unsqueeze(1), f0, f0}; }

torch::Tensor streamed_bridge(const torch::Tensor& f0, std::int64_t size) {
  PitchBridge bridge;
  std::vector<torch::Tensor> out;
  for (std::int64_t at = 0; at < f0.size(0); at += size)
    if (const FeatureFrames part = bridge.push(frames(f0.slice(0, at, at + size)), at + size >= f0.size(0)); part.size())
      out.push_back(part.f0);
  return torch::cat(out);
}

TEST(PitchBridge, StreamEqualsTheWholeFile) {
  torch::manual_seed(5);
  const torch::Tensor f0 = torch::rand(900) * 200 + 100;
  for (const auto& [begin, end] : std::vector<std::pair<int, int>>{{0, 30}, {100, 180}, {300, 301}, {500, 690}, {850, 900}})
    f0.slice(0, begin, end).fill_(0);
  for (const std::int64_t size : {1, 64, 900}) EXPECT_TRUE(torch::allclose(streamed_bridge(f0, size), bridge_gaps(f0), 1e-4)) << size;
}

TEST(PitchBridge, HoldsNoMoreThanTenSeconds) {
  PitchBridge bridge;
  bridge.push(frames(torch::full({10}, 200.f)), false);
  std::int64_t given = 0;
  for (int i = 0; i < 50; ++i) given += bridge.push(frames(torch::zeros(100)), false).size();
  EXPECT_EQ(given, 5000 - PitchBridge::longest_gap);
  const torch::Tensor silent = streamed_bridge(torch::zeros(3000), 100);
  EXPECT_EQ(silent.size(0), 3000);
  EXPECT_EQ(silent.abs().max().item<float>(), 0);
}

TEST(Median, TakesSingleFramesAway) {
  const torch::Tensor f0 = torch::full({9}, 100.f);
  f0[4] = 0;
  EXPECT_TRUE(torch::equal(median_filter(f0, 3).slice(0, 1, 8), torch::full({7}, 100.f)));
  EXPECT_EQ(with_median(nullptr, 3), nullptr);
}

}  // namespace
}  // namespace voxconv
