#include "features/content/content_encoder.h"

#include <gtest/gtest.h>

#include "features/frames.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

const ContentEncoder& encoder() {
  static const auto instance = load_content_encoder("whisper-base", torch::kCPU, torch::kFloat);
  return *instance;
}

TEST(ContentEncoder, GivesOneVectorAFrameAtAnyLength) {
  for (const std::int64_t samples : {1, 159, 160, 161, 320, 480, 16000, 16160}) {
    const torch::Tensor content = encoder().encode(torch::randn({samples}) * 0.1);
    EXPECT_EQ(content.sizes(), torch::IntArrayRef({frame_count(samples), encoder().dim()})) << samples;
    EXPECT_TRUE(torch::isfinite(content).all().item<bool>()) << samples;
  }
}

TEST(ContentEncoder, OddFramesLieBetweenTheirNeighbours) {
  const torch::Tensor content = encoder().encode(torch::randn({3200}) * 0.1);
  EXPECT_TRUE(torch::allclose(content[7], (content[6] + content[8]) / 2, 1e-5, 1e-6));
}

TEST(ContentEncoder, SilenceIsFiniteAndRepeatable) {
  const torch::Tensor a = encoder().encode(torch::zeros({8000}));
  EXPECT_TRUE(torch::isfinite(a).all().item<bool>());
  EXPECT_TRUE(torch::equal(a, encoder().encode(torch::zeros({8000}))));
}

TEST(ContentEncoder, ResultMayTakePartInTraining) {
  const torch::Tensor weight = torch::ones({encoder().dim()}, torch::requires_grad());
  (encoder().encode(torch::randn({1600})) * weight).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
}

TEST(ContentEncoder, RefusesUnknownNamesAndOverlongAudio) {
  EXPECT_THROW(load_content_encoder("nobody", torch::kCPU, torch::kFloat), Error);
  EXPECT_THROW(encoder().encode(torch::zeros({30 * feature_rate + 1})), Error);
}

}  // namespace
}  // namespace voxconv
