#include <gmock/gmock.h>

#include <thread>

#include "core/stage_clock.h"
#include "eval/flop_count.h"
#include "eval/machine.h"
#include "eval/made_song.h"
#include "nn/conv.h"
#include "nn/linear.h"

namespace voxconv {
namespace {

AudioBuffer read_in_pieces(double seconds, std::size_t piece) {
  eval::MadeSong song(seconds);
  AudioBuffer whole(song.info().rate, 1), part;
  while (song.read(part, piece)) whole.channels[0].insert(whole.channels[0].end(), part.channels[0].begin(), part.channels[0].end());
  return whole;
}

double level(const AudioBuffer& audio, double from_s, double to_s) {
  double sum = 0;
  const auto begin = std::size_t(from_s * audio.rate), end = std::size_t(to_s * audio.rate);
  for (std::size_t i = begin; i < end; ++i) sum += double(audio.channels[0][i]) * audio.channels[0][i];
  return std::sqrt(sum / double(end - begin));
}

TEST(MadeSong, IsTheSameHoweverItIsRead) {
  const AudioBuffer whole = read_in_pieces(2, 1 << 20);
  EXPECT_EQ(whole.frames(), 2u * 44100);
  EXPECT_EQ(whole.channels, read_in_pieces(2, 1000).channels);
}

TEST(MadeSong, SingsAndPauses) {
  const AudioBuffer song = read_in_pieces(4.8, 4096);
  EXPECT_GT(level(song, 0.2, 0.5), 0.05);
  EXPECT_LT(level(song, 4.3, 4.7), 0.001);
  for (const float sample : song.channels[0]) ASSERT_LE(std::abs(sample), 0.95f);
}

TEST(StageClock, CountsOnlyWhereItIsWatched) {
  StageClock clock;
  EXPECT_EQ(StageScope::current(), std::nullopt);
  { const StageScope scope(Stage::content); }
  EXPECT_EQ(clock.seconds(Stage::content), 0);
  const StageWatch watch(&clock);
  {
    const StageScope outer(Stage::content);
    EXPECT_EQ(StageScope::current(), Stage::content);
    {
      const StageScope inner(Stage::retrieval);
      EXPECT_EQ(StageScope::current(), Stage::retrieval);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(StageScope::current(), Stage::content);
  }
  EXPECT_GE(clock.seconds(Stage::retrieval), 0.02);
  EXPECT_GT(clock.seconds(Stage::content), 0);
  EXPECT_LT(clock.seconds(Stage::content), clock.seconds(Stage::retrieval));  // what the inner stage took is not counted again
  EXPECT_EQ(clock.seconds(Stage::f0), 0);
}

template <typename Work>
double counted(Work&& work) {
  const c10::InferenceMode inference;
  const eval::FlopCount count;
  work();  // belongs to no stage
  const StageScope scope(Stage::synthesis);
  work();
  EXPECT_EQ(eval::FlopCount::of(Stage::content), 0);
  return eval::FlopCount::of(Stage::synthesis);
}

TEST(FlopCount, KnowsConvolutions) {
  const torch::Tensor x = torch::randn({1, 8, 100}), weight = torch::randn({16, 8, 5}), up = torch::randn({8, 6, 4});
  EXPECT_EQ(counted([&] { torch::conv1d(x, weight, {}, 1, 2); }), 2.0 * 100 * 16 * 8 * 5);
  EXPECT_EQ(counted([&] { torch::conv1d(x, torch::randn({16, 2, 5}), {}, 2, 2, 1, 4); }), 2.0 * 50 * 16 * 2 * 5);
  EXPECT_EQ(counted([&] { torch::conv_transpose1d(x, up, {}, 2, 1); }), 2.0 * 100 * 8 * 6 * 4);
  EXPECT_EQ(counted([&] {
              at::convolution(x.unsqueeze(2), weight.unsqueeze(2), {}, {1, 1}, {0, 2}, {1, 1}, false, {0, 0}, 1);
            }),
            2.0 * 100 * 16 * 8 * 5);
}

TEST(FlopCount, KnowsPackedConvolutions) {
  const torch::Tensor x = torch::randn({1, 32, 1, 100}).contiguous(torch::MemoryFormat::ChannelsLast);
  const nn::ConvShape shape{{1, 1}, {0, 2}, {1, 1}, 1};
  const nn::PackedConv plain(torch::randn({32, 32, 5}), torch::randn({32}), shape, torch::kCPU, torch::kFloat);
  const nn::PackedConv fused(torch::randn({32, 32, 5}), {}, shape, torch::kCPU, torch::kFloat, nn::Activation::leaky_relu);
  const double expected = 2.0 * 100 * 32 * 32 * 5;
  EXPECT_EQ(counted([&] { plain(x); }), expected);
  EXPECT_EQ(counted([&] { fused(x); }), expected);
  EXPECT_EQ(counted([&] { plain.add(x, x); }), expected);
}

TEST(FlopCount, KnowsMatrixProducts) {
  const torch::Tensor x = torch::randn({3, 10, 20}), weight = torch::randn({30, 20}), bias = torch::randn({30});
  EXPECT_EQ(counted([&] { torch::linear(x, weight, bias); }), 2.0 * 30 * 30 * 20);
  EXPECT_EQ(counted([&] { nn::linear(x, weight, bias); }), 2.0 * 30 * 30 * 20);
  const nn::PackedLinear packed(weight, bias, torch::kCPU, torch::kFloat);
  const torch::Tensor added = torch::randn({10, 30});
  EXPECT_EQ(counted([&] { packed(x[0]); }), 2.0 * 10 * 30 * 20);
  EXPECT_EQ(counted([&] { packed.add(x[0], added); }), 2.0 * 10 * 30 * 20);
  EXPECT_EQ(counted([&] { torch::matmul(x, torch::randn({3, 20, 7})); }), 2.0 * 3 * 10 * 20 * 7);
  EXPECT_EQ(counted([&] { torch::addmm(bias, x[0], weight.t()); }), 2.0 * 10 * 20 * 30);
  EXPECT_EQ(counted([&] { x + x; }), 0);
}

TEST(FlopCount, KnowsAttention) {
  const torch::Tensor q = torch::randn({1, 2, 50, 16}), k = torch::randn({1, 2, 60, 16});
  EXPECT_EQ(counted([&] { at::scaled_dot_product_attention(q, k, k); }), 4.0 * 2 * 50 * 60 * 16);
}

TEST(FlopCount, CountsWhatHelpingThreadsDo) {
  const torch::Tensor x = torch::randn({10, 20});
  const double flop = counted([&] {
    std::thread helper([&, stage = StageScope::current()] {
      const StageWorker worker(stage);
      torch::mm(x, x.t());
    });
    helper.join();
  });
  EXPECT_EQ(flop, 2.0 * 10 * 10 * 20);
}

TEST(Machine, TellsMemory) {
  EXPECT_GT(eval::resident_bytes(), std::uint64_t(1) << 20);
  EXPECT_GE(eval::most_resident_bytes(), eval::resident_bytes());
}

TEST(Machine, HasASpeed) { EXPECT_GT(eval::peak_gflops(torch::kCPU, torch::kFloat), 0); }

}  // namespace
}  // namespace voxconv
