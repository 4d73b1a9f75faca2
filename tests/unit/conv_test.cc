#include "nn/conv.h"

#include <gtest/gtest.h>

#include "nn/time_conv.h"

using namespace voxconv;
using nn::Activation;
using nn::ConvShape;
using nn::PackedConv;

namespace {

double relative(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a.to(torch::kFloat) - b.to(torch::kFloat)).norm() / b.to(torch::kFloat).norm()).item<double>();
}

struct Case {
  const char* name;
  std::vector<std::int64_t> weight, input;  // weight [out, in / groups, kh, kw]
  ConvShape shape;
};

const Case cases[] = {
    {"same padding over time", {32, 16, 1, 7}, {1, 16, 1, 100}, {{1, 1}, {0, 3}, {1, 1}, 1}},
    {"dilated, without padding", {24, 24, 1, 11}, {1, 24, 1, 201}, {{1, 1}, {0, 0}, {1, 5}, 1}},
    {"image with stride", {16, 8, 3, 3}, {2, 8, 20, 24}, {{2, 2}, {1, 1}, {1, 1}, 1}},
    {"groups", {32, 4, 1, 5}, {1, 16, 1, 60}, {{1, 1}, {0, 2}, {1, 1}, 4}},
    {"groups of few channels, long kernel", {16, 4, 1, 16}, {1, 16, 1, 49}, {{1, 1}, {0, 8}, {1, 1}, 4}},
    {"depthwise", {32, 1, 1, 31}, {1, 32, 1, 90}, {{1, 1}, {0, 15}, {1, 1}, 32}},
    {"one channel in", {8, 1, 1, 20}, {1, 1, 1, 400}, {{1, 10}, {0, 5}, {1, 1}, 1}},
    {"one channel out", {1, 32, 1, 7}, {1, 32, 1, 77}, {{1, 1}, {0, 3}, {1, 1}, 1}},
};

torch::Tensor plain(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias, const ConvShape& shape) {
  return torch::conv2d(x, weight, bias, shape.stride, shape.padding, shape.dilation, shape.groups);
}

TEST(PackedConv, EqualsThePlainConvolution) {
  const torch::InferenceMode guard;
  torch::manual_seed(1);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const torch::Tensor weight = torch::randn(c.weight), bias = torch::randn(c.weight[0]);
    const PackedConv conv(weight, bias, c.shape, torch::kCPU, torch::kFloat), without_bias(weight, {}, c.shape, torch::kCPU, torch::kFloat);
    // One packed weight serves every length.
    for (const std::int64_t more : {0, 1, 40, 1000}) {
      std::vector<std::int64_t> size = c.input;
      size.back() += more;
      const torch::Tensor x = torch::randn(size);
      const torch::Tensor expected = plain(x, weight, bias, c.shape);
      ASSERT_EQ(conv(x).sizes(), expected.sizes());
      EXPECT_LT(relative(conv(x), expected), 1e-6);
      EXPECT_LT(relative(without_bias(x), plain(x, weight, {}, c.shape)), 1e-6);
      const torch::Tensor residual = torch::randn_like(expected);
      EXPECT_LT(relative(conv.add(x, residual), expected + residual), 1e-6);
    }
  }
}

TEST(PackedConv, TakesOneDimensionalWeights) {
  const torch::InferenceMode guard;
  const torch::Tensor weight = torch::randn({8, 4, 5}), x = torch::randn({1, 4, 1, 50});
  const PackedConv conv(weight, {}, {{1, 1}, {0, 2}, {1, 1}, 1}, torch::kCPU, torch::kFloat);
  EXPECT_LT(relative(conv(x).squeeze(2), torch::conv1d(x.squeeze(2), weight, {}, 1, 2)), 1e-6);
}

TEST(PackedConv, ActivatesItsResult) {
  const torch::InferenceMode guard;
  torch::manual_seed(2);
  const Case& c = cases[0];
  const torch::Tensor weight = torch::randn(c.weight), bias = torch::randn(c.weight[0]), x = torch::randn(c.input);
  const torch::Tensor y = plain(x, weight, bias, c.shape);
  const auto made = [&](Activation activation, double slope) {
    return PackedConv(weight, bias, c.shape, torch::kCPU, torch::kFloat, activation, slope)(x);
  };
  EXPECT_LT(relative(made(Activation::relu, 0), torch::relu(y)), 1e-6);
  EXPECT_LT(relative(made(Activation::leaky_relu, 0.1), torch::leaky_relu(y, 0.1)), 1e-6);
  EXPECT_LT(relative(made(Activation::leaky_relu, 0.3), torch::leaky_relu(y, 0.3)), 1e-6);
  EXPECT_LT(relative(made(Activation::gelu, 0), torch::gelu(y)), 1e-5);
  EXPECT_LT(relative(made(Activation::tanh, 0), torch::tanh(y)), 1e-5);
}

TEST(PackedConv, ComputesInBfloat16) {
  const torch::InferenceMode guard;
  torch::manual_seed(3);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const torch::Tensor weight = torch::randn(c.weight), bias = torch::randn(c.weight[0]), x = torch::randn(c.input);
    const torch::Tensor expected = plain(x, weight, bias, c.shape), residual = torch::randn_like(expected);
    const PackedConv conv(weight, bias, c.shape, torch::kCPU, torch::kBFloat16);
    EXPECT_EQ(conv(x).scalar_type(), torch::kBFloat16);
    EXPECT_LT(relative(conv(x), expected), 1e-2);
    EXPECT_LT(relative(conv.add(x, residual), expected + residual), 1e-2);
  }
}

TEST(PackedConv, ReadsAnyMemoryFormat) {
  const torch::InferenceMode guard;
  torch::manual_seed(4);
  const Case& c = cases[2];
  const torch::Tensor weight = torch::randn(c.weight), x = torch::randn(c.input);
  const PackedConv conv(weight, {}, c.shape, torch::kCPU, torch::kFloat);
  EXPECT_TRUE(torch::equal(conv(x), conv(x.contiguous(torch::MemoryFormat::ChannelsLast))));
  EXPECT_TRUE(conv(x).is_contiguous(torch::MemoryFormat::ChannelsLast));
}

TEST(TimeConv, EqualsThePlainConvolution) {
  const torch::InferenceMode guard;
  torch::manual_seed(5);
  for (const std::int64_t kernel : {1, 3, 5, 7, 11, 13})
    for (const std::int64_t dilation : {1, 3, 5})
      for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{32, 32}, {16, 48}, {12, 16}}) {
        SCOPED_TRACE(testing::Message() << kernel << " taps, dilation " << dilation << ", " << in << " to " << out << " channels");
        const torch::Tensor weight = torch::randn({out, in, kernel}), bias = torch::randn({out});
        const nn::TimeConv conv(weight, bias, dilation, torch::kCPU, torch::kFloat),
            leaky(weight, bias, dilation, torch::kCPU, torch::kFloat, 0.1);
        for (const std::int64_t more : {0, 1, 7, 30, 211}) {
          const torch::Tensor x = torch::randn({1, in, 1, (kernel - 1) * dilation + 1 + more});
          const torch::Tensor y = plain(x, weight.unsqueeze(2), bias, {.dilation = {1, dilation}}), residual = torch::randn_like(y);
          ASSERT_EQ(conv(x).sizes(), y.sizes());
          EXPECT_LT(relative(conv(x), y), 5e-6);
          EXPECT_LT(relative(leaky(x), torch::leaky_relu(y, 0.1)), 5e-6);
          EXPECT_LT(relative(conv.add(x, residual), y + residual), 5e-6);
        }
      }
}

TEST(TimeConv, ComputesInBfloat16) {
  const torch::InferenceMode guard;
  torch::manual_seed(6);
  const torch::Tensor weight = torch::randn({16, 16, 7}), bias = torch::randn({16}), x = torch::randn({1, 16, 1, 90});
  const nn::TimeConv conv(weight, bias, 3, torch::kCPU, torch::kBFloat16);
  EXPECT_EQ(conv(x).scalar_type(), torch::kBFloat16);
  EXPECT_LT(relative(conv(x), plain(x, weight.unsqueeze(2), bias, {.dilation = {1, 3}})), 1e-2);
}

}  // namespace
