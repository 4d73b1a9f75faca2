#include <gtest/gtest.h>

#include "nn/conv.h"
#include "nn/device.h"
#include "nn/linear.h"

using namespace voxconv;

TEST(Depthwise, IsConv1dInValueAndGradient) {
  torch::manual_seed(3);
  for (const std::int64_t taps : {3, 7, 31}) {
    const auto leaf = [](torch::Tensor t) { return t.requires_grad_(true); };
    const torch::Tensor x = leaf(torch::randn({2, 50, 24})), weight = leaf(torch::randn({24, 1, taps})), bias = leaf(torch::randn({24}));
    const torch::Tensor direction = torch::randn({2, 50, 24});
    const torch::Tensor y = nn::depthwise(x, weight, bias);
    const torch::Tensor expected = torch::conv1d(x.transpose(1, 2), weight, bias, 1, taps / 2, 1, 24).transpose(1, 2);
    EXPECT_TRUE(torch::allclose(y, expected, 1e-4, 1e-4)) << taps;

    const auto got = torch::autograd::grad({(y * direction).sum()}, {x, weight, bias});
    const auto wanted = torch::autograd::grad({(expected * direction).sum()}, {x, weight, bias});
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::allclose(got[i], wanted[i], 1e-3, 1e-3)) << taps << " taps, input " << i;
  }
}

TEST(Linear, IsTorchLinear) {
  torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({2, 9, 16}), weight = torch::randn({5, 16}), bias = torch::randn({5});
  EXPECT_TRUE(torch::allclose(nn::linear(x, weight, bias), torch::linear(x, weight, bias), 1e-5, 1e-5));
}

TEST(PackedLinear, EqualsThePlainLayer) {
  const torch::InferenceMode guard;
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, 37, 24}), weight = torch::randn({40, 24}), bias = torch::randn(40),
                      residual = torch::randn({2, 37, 40});
  const torch::Tensor plain = torch::linear(x, weight, bias);
  const auto make = [&](nn::Activation activation, torch::ScalarType type = torch::kFloat) {
    return nn::PackedLinear(weight, bias, torch::kCPU, type, activation);
  };
  EXPECT_TRUE(torch::allclose(make(nn::Activation::none)(x), plain, 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(make(nn::Activation::relu)(x), torch::relu(plain), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(make(nn::Activation::gelu)(x), torch::gelu(plain), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(make(nn::Activation::tanh)(x), torch::tanh(plain), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(make(nn::Activation::none).add(x, residual), plain + residual, 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(nn::PackedLinear(weight, {}, torch::kCPU, torch::kFloat)(x), torch::linear(x, weight), 1e-5, 1e-5));
  const torch::Tensor half = make(nn::Activation::none, torch::kBFloat16)(x);
  EXPECT_EQ(half.scalar_type(), torch::kBFloat16);
  EXPECT_LT(((half.to(torch::kFloat) - plain).norm() / plain.norm()).item<double>(), 0.01);
  EXPECT_EQ(make(nn::Activation::none, torch::kBFloat16).add(x, residual).scalar_type(), torch::kFloat);
}

TEST(PackedLinear, ComputesInItsTypeWithWeightsOfAnother) {
  const torch::InferenceMode guard;
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({37, 24}), weight = torch::randn({40, 24}).to(torch::kHalf), bias = torch::randn(40),
                      residual = torch::randn({37, 40});
  const torch::Tensor plain = torch::linear(x, weight.to(torch::kFloat), bias);
  for (const nn::Packing packing : {nn::Packing::once, nn::Packing::each_call}) {
    const nn::PackedLinear layer(weight, bias, torch::kCPU, torch::kFloat, nn::Activation::none, packing),
        active(weight, bias, torch::kCPU, torch::kFloat, nn::Activation::gelu, packing);
    for (int call = 0; call < 2; ++call) {
      EXPECT_TRUE(torch::allclose(layer(x), plain, 1e-5, 1e-5));
      EXPECT_TRUE(torch::allclose(active(x), torch::gelu(plain), 1e-5, 1e-5));
      EXPECT_TRUE(torch::allclose(layer.add(x, residual), plain + residual, 1e-5, 1e-5));
    }
  }
}

TEST(Threads, AreRestoredWhereNothingIsWished) {
  const int before = at::get_num_threads();
  at::set_num_threads(8);
  nn::set_threads(0, 4);
  EXPECT_EQ(at::get_num_threads(), 2);
  nn::set_threads(0, 2);
  EXPECT_EQ(at::get_num_threads(), 4) << "of what there was, not of the last share";
  nn::set_threads(3, 4);
  EXPECT_EQ(at::get_num_threads(), 3);
  nn::set_threads(0);
  EXPECT_EQ(at::get_num_threads(), 8);
  at::set_num_threads(5);  // by somebody else
  nn::set_threads(0);
  EXPECT_EQ(at::get_num_threads(), 5);
  at::set_num_threads(before);
}
