#include "nn/weight_norm.h"

#include <gmock/gmock.h>

#include "nn/tensor_reader.h"
#include "voxconv/error.h"

namespace voxconv::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(WeightNorm, FusesEverySpelling) {
  torch::manual_seed(1);
  const torch::Tensor v = torch::randn({4, 3, 5}), g = torch::rand({4, 1, 1});
  const torch::Tensor weight = v * g / v.norm(2, {1, 2}, true);
  const StateDict fused = fuse_weight_norms({{"a.weight_g", g},
                                             {"a.weight_v", v},
                                             {"a.bias", torch::ones({4})},
                                             {"b.c.parametrizations.weight.original0", g},
                                             {"b.c.parametrizations.weight.original1", v},
                                             {"d.weight", v}});
  ASSERT_EQ(fused.size(), 4u);
  EXPECT_TRUE(torch::allclose(fused.at("a.weight"), weight));
  EXPECT_TRUE(torch::allclose(fused.at("b.c.weight"), weight));
  EXPECT_TRUE(torch::equal(fused.at("d.weight"), v));
  EXPECT_TRUE(torch::equal(fused.at("a.bias"), torch::ones({4})));
}

TEST(WeightNorm, TakesTheDimensionFromG) {
  torch::manual_seed(1);
  const torch::Tensor v = torch::randn({4, 3, 5}), g = torch::rand({1, 1, 5});
  EXPECT_TRUE(torch::allclose(fuse_weight_norm(g, v), v * g / v.norm(2, {0, 1}, true)));
  EXPECT_THROW(fuse_weight_norm(torch::rand({4, 1, 5}), v), Error);
  EXPECT_THROW(fuse_weight_norm(torch::rand({3, 1, 1}), v), Error);
  EXPECT_THROW(fuse_weight_norm(torch::rand({4}), v), Error);
}

TEST(WeightNorm, RefusesHalfAPairAndTwoOfOne) {
  const torch::Tensor v = torch::ones({2, 3}), g = torch::ones({2, 1});
  EXPECT_THROW(fuse_weight_norms({{"a.weight_g", g}}), Error);
  EXPECT_THROW(fuse_weight_norms({{"a.weight_v", v}}), Error);
  EXPECT_THROW(fuse_weight_norms({{"a.weight", v}, {"a.weight_g", g}, {"a.weight_v", v}}), Error);
}

TEST(WeightNorm, SplitsAndFusesBack) {
  torch::manual_seed(1);
  const torch::Tensor weight = torch::randn({4, 3, 5});
  StateDict tensors{{"a.weight", weight}};
  split_weight_norm(tensors, "a.weight");
  EXPECT_EQ(tensors.count("a.weight"), 0u);
  EXPECT_EQ(tensors.at("a.weight_g").sizes(), (std::vector<std::int64_t>{4, 1, 1}));
  EXPECT_TRUE(torch::allclose(fuse_weight_norms(tensors).at("a.weight"), weight));
}

TEST(TensorReader, NamesEverythingThatDoesNotFit) {
  const StateDict tensors{{"p.a", torch::ones({2})},
                          {"p.b", torch::ones({3})},
                          {"p.c", torch::ones({1})},
                          {"other", torch::ones({1})},
                          {"p.count", torch::ones({1})}};
  TensorReader reader(tensors, "voice.pth", "p.");
  EXPECT_TRUE(torch::equal(reader.take("a", {-1}), torch::ones({2})));
  EXPECT_EQ(reader.take("b", {2, 2}).sizes(), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(reader.take("d", {7, -1}).sizes(), (std::vector<std::int64_t>{7, 1}));
  EXPECT_FALSE(reader.take_optional("e", {1}).defined());
  reader.ignore("cou");
  try {
    reader.finish();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_model);
    EXPECT_THAT(e.what(), AllOf(HasSubstr("voice.pth"), HasSubstr("lacks the tensor(s) p.d"), HasSubstr("p.b [3], expected [2, 2]"),
                                HasSubstr("unexpected tensor(s) p.c"), testing::Not(HasSubstr("other"))));
  }
}

TEST(TensorReader, IsContentWhereAllFits) {
  const StateDict tensors{{"a", torch::ones({2})}};
  TensorReader reader(tensors, "voice.pth");
  reader.take("a", {2});
  EXPECT_NO_THROW(reader.finish());
}

}  // namespace
}  // namespace voxconv::nn
