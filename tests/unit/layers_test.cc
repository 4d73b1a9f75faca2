#include <gtest/gtest.h>

#include "nn/depthwise.h"
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
