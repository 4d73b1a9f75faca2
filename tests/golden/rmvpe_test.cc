// Against RVC's class RMVPE with a tiny network of random weights; made by scripts/goldens/rmvpe.py.
#include "features/pitch/rmvpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/frames.h"
#include "golden.h"
#include "meta_device.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

constexpr F0Range everything{10, 3000};

nn::StateDict weights() { return golden::open("rmvpe_weights").tensors(); }
torch::Tensor expected_pitch(const std::string& name) { return golden::open("rmvpe").get(name); }
torch::Tensor two_seconds() { return golden::clip().slice(0, 8000, 40000); }
Rmvpe make(const F0Range& range = everything) { return Rmvpe(weights(), "rmvpe_weights", range, torch::kCPU); }

TEST(Rmvpe, EqualsTheReference) {
  const Rmvpe rmvpe = make();
  const torch::Tensor mel = rmvpe.mel(two_seconds()), salience = rmvpe.salience(mel), reference = expected_pitch("hz");
  ASSERT_EQ(mel.sizes(), torch::IntArrayRef({201, 128}));
  EXPECT_LT(golden::relative_error(mel.slice(0, 0, 201, 10).t(), expected_pitch("mel")), 1e-5);
  EXPECT_LT(golden::relative_error(salience.slice(0, 0, 201, 10), expected_pitch("salience")), 1e-4);
  const F0Frames frames = rmvpe.estimate(two_seconds());
  ASSERT_EQ(frames.hz.sizes(), reference.sizes());
  EXPECT_TRUE(torch::equal(frames.hz > 0, reference > 0));
  EXPECT_GT((reference > 0).sum().item<std::int64_t>(), 50);
  EXPECT_LT(golden::relative_error(frames.hz, reference), 1e-5);
}

TEST(Rmvpe, PiecesAreAsTheReferencesWhole) {
  const Rmvpe rmvpe = make();
  const torch::Tensor salience = rmvpe.salience(rmvpe.mel(two_seconds().repeat({5})));
  ASSERT_EQ(salience.size(0), 1001);
  EXPECT_LT(golden::relative_error(salience.slice(0, 55, 1001, 100), expected_pitch("long")), 1e-4);
}

// The reference's network is small; the convolutions that are packed anew in each call are not.
TEST(Rmvpe, ConvolutionsOfEverySizeAreNormed) {
  const torch::NoGradGuard guard;
  torch::manual_seed(1);
  for (const std::int64_t channels : {8, 512}) {
    const torch::Tensor weight = torch::randn({channels, 64, 3, 3}).to(torch::kHalf), scale = torch::rand({channels}) + 0.5,
                        shift = torch::randn({channels}), x = torch::randn({2, 64, 9, 7});
    const RmvpeNetwork::NormedConv conv(weight, scale, shift, torch::kCPU);
    const torch::Tensor plain = torch::conv2d(x, weight.to(torch::kFloat), {}, 1, 1);
    const torch::Tensor normed = torch::relu(plain * scale.view({-1, 1, 1}) + shift.view({-1, 1, 1}));
    for (int call = 0; call < 2; ++call) EXPECT_LT(golden::relative_error(conv(x), normed), 1e-6) << channels;
  }
}

TEST(Rmvpe, WindowsTogetherAreAsEachByItself) {
  const Rmvpe rmvpe = make({200, 900});
  const torch::Tensor windows = torch::stack({two_seconds().slice(0, 0, 20000), two_seconds().slice(0, 12000, 32000), torch::zeros(20000)});
  const F0Frames together = rmvpe.estimate_windows(windows);
  ASSERT_EQ(together.hz.sizes(), torch::IntArrayRef({3, frame_count(20000)}));
  for (std::int64_t i = 0; i < 3; ++i) {
    const F0Frames alone = rmvpe.estimate(windows[i]);
    EXPECT_TRUE(torch::equal(together.hz[i] > 0, alone.hz > 0)) << i;
    EXPECT_TRUE(torch::allclose(together.hz[i], alone.hz, 1e-4)) << i;
    EXPECT_TRUE(torch::allclose(together.confidence[i], alone.confidence, 1e-4, 1e-5)) << i;
  }
  EXPECT_GT((together.hz > 0).sum().item<std::int64_t>(), 50);
}

TEST(Rmvpe, RangeLimitsThePitch) {
  const torch::Tensor wide = make().estimate(two_seconds()).hz, hz = make({200, 400}).estimate(two_seconds()).hz;
  const torch::Tensor voiced = hz.index({hz > 0});
  ASSERT_GT(voiced.size(0), 0);
  EXPECT_GT(voiced.min().item<double>(), 200 * 0.95);
  EXPECT_LT(voiced.max().item<double>(), 400 * 1.06);
  EXPECT_GT(wide.max().item<double>(), 500);
}

TEST(Rmvpe, ComputesWithoutWaitingForValues) {
  const Rmvpe rmvpe(weights(), "rmvpe_weights", everything, golden::meta_device);
  EXPECT_EQ(rmvpe.estimate_windows(torch::empty({3, 16000}, golden::meta_device)).hz.sizes(), torch::IntArrayRef({3, frame_count(16000)}));
}

TEST(Rmvpe, GivesOneFrameAClockTickAtAnyLength) {
  const Rmvpe rmvpe = make();
  for (const std::int64_t samples : {1, 160, 4959, 4960, 5120, 16000}) {
    const F0Frames frames = rmvpe.estimate(torch::sin(torch::arange(samples) * 0.1));
    EXPECT_EQ(frames.hz.size(0), frame_count(samples)) << samples;
    EXPECT_EQ(frames.confidence.size(0), frame_count(samples)) << samples;
    EXPECT_TRUE(torch::isfinite(frames.hz).all().item<bool>()) << samples;
  }
}

TEST(Rmvpe, IgnoresThePartsOfItsOtherClassAndNamesTheRest) {
  nn::StateDict tensors = weights();
  tensors["unet.tf.layers.0.weight"] = torch::zeros(3);
  EXPECT_NO_THROW(Rmvpe(tensors, "file", everything, torch::kCPU));
  tensors.erase("unet.decoder.layers.1.conv1.1.running_var");
  tensors["surprise"] = torch::zeros(3);
  EXPECT_THAT([&] { Rmvpe(tensors, "file", everything, torch::kCPU); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(testing::HasSubstr("unet.decoder.layers.1.conv1.1.running_var"), testing::HasSubstr("surprise"))));
  EXPECT_THROW(Rmvpe({}, "file", everything, torch::kCPU), Error);
}

TEST(Rmvpe, ComputesNothingWithTensorsThatAreNotThere) {
  nn::StateDict tensors = weights();
  tensors["cnn.weight"] = torch::empty({0, 8000, 3, 3});  // by which the last layers would take petabytes
  EXPECT_THAT([&] { Rmvpe(tensors, "file", everything, torch::kCPU); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("expected [8000, 1, 3, 3]")));
  tensors["cnn.weight"] = torch::empty({3, 0, 3, 3});
  EXPECT_THAT([&] { Rmvpe(tensors, "file", everything, torch::kCPU); }, testing::ThrowsMessage<Error>(testing::HasSubstr("0 channels")));
}

}  // namespace
}  // namespace voxconv
