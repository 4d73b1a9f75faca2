// Against the packages torchfcpe, torchcrepe, swift-f0 and librosa; made by scripts/goldens/pitch.py.
#include <gtest/gtest.h>

#include "core/paths.h"
#include "features/frames.h"
#include "features/pitch/crepe.h"
#include "features/pitch/fcpe.h"
#include "features/pitch/pyin.h"
#include "features/pitch/swift_f0.h"
#include "golden.h"

namespace voxconv {
namespace {

torch::Tensor tensor(const std::string& name) { return golden::open("pitch").get(name); }

/// "speech" or "sung": two seconds.
torch::Tensor audio(const std::string& clip) { return tensor(clip + ".audio").to(torch::kFloat) / 32768; }

torch::Tensor every_tenth(const torch::Tensor& x) { return x.slice(0, 0, x.size(0), 10); }

/// Largest distance in cents where both are voiced.
double worst_cents(const torch::Tensor& hz, const torch::Tensor& reference) {
  const torch::Tensor both = (hz > 0) & (reference > 0);
  return ((hz.index({both}) / reference.index({both})).log2().abs().max() * 1200).item<double>();
}

std::int64_t voicing_differences(const torch::Tensor& hz, const torch::Tensor& reference) {
  return ((hz > 0) != (reference > 0)).sum().item<std::int64_t>();
}

class Clips : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Pitch, Clips, testing::Values("speech", "sung"), [](const auto& clip) { return clip.param; });

TEST_P(Clips, FcpeEqualsTheReference) {
  const Fcpe fcpe(nn::Safetensors(model_file("pitch/fcpe/weights.safetensors")), {10, 3000}, torch::kCPU);
  const std::string prefix = "fcpe." + GetParam();
  const torch::Tensor mel = fcpe.mel(audio(GetParam()));
  EXPECT_LT(golden::relative_error(every_tenth(mel.t()), tensor(prefix + ".mel")), 1e-4);
  EXPECT_LT(golden::relative_error(every_tenth(fcpe.activation(mel, 0, mel.size(1))), tensor(prefix + ".activation")), 1e-3);
  const torch::Tensor hz = fcpe.estimate(audio(GetParam())).hz, reference = tensor(prefix + ".hz");
  ASSERT_EQ(hz.sizes(), reference.sizes());
  EXPECT_LE(voicing_differences(hz, reference), 0);
  EXPECT_LT(worst_cents(hz, reference), 1);
}

TEST_P(Clips, SwiftF0EqualsTheReference) {
  const SwiftF0 swift(nn::Safetensors(model_file("pitch/swiftf0/weights.safetensors")), {10, 3000}, torch::kCPU);
  const F0Frames frames = swift.analyse(audio(GetParam()));
  const torch::Tensor hz = tensor("swiftf0." + GetParam() + ".hz"), confidence = tensor("swiftf0." + GetParam() + ".confidence");
  ASSERT_EQ(frames.hz.sizes(), hz.sizes());
  EXPECT_LT((frames.confidence - confidence).abs().max().item<double>(), 1e-3);
  EXPECT_LT(worst_cents(frames.hz * (confidence > 0.1), hz), 0.5);
}

TEST_P(Clips, CrepeEqualsTheReference) {
  const Crepe crepe(nn::Safetensors(model_file("pitch/crepe_tiny/weights.safetensors")), {50, 1500}, torch::kCPU);
  const torch::Tensor activation = crepe.activation(audio(GetParam()));
  EXPECT_LT(golden::relative_error(every_tenth(activation), tensor("crepe." + GetParam() + ".activation")), 1e-3);
  const torch::Tensor path = crepe.path(activation), reference = tensor("crepe." + GetParam() + ".path");
  ASSERT_EQ(path.sizes(), reference.sizes());
  EXPECT_TRUE(torch::equal(path.to(torch::kInt), reference));
}

// Not the same window, and refined where librosa names the nearest of its 10-cent bins: near, not equal.
TEST_P(Clips, PyinIsNearLibrosa) {
  const torch::Tensor hz = PyinEstimator({50, 1500}).estimate(audio(GetParam())).hz, reference = tensor("pyin." + GetParam() + ".hz");
  ASSERT_EQ(hz.sizes(), reference.sizes());
  const torch::Tensor both = (hz > 0) & (reference > 0);
  EXPECT_GT(both.sum().item<double>(), 0.9 * (reference > 0).sum().item<double>());
  const torch::Tensor cents = (hz.index({both}) / reference.index({both})).log2().abs() * 1200;
  EXPECT_LT(cents.median().item<double>(), GetParam() == "sung" ? 8 : 16);
  EXPECT_LT((cents > 100).to(torch::kFloat).mean().item<double>(), 0.04);
}

}  // namespace
}  // namespace voxconv
