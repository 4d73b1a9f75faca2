// Against Hugging Face's HubertModel with tiny random weights; made by scripts/goldens/hubert.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/content/content_encoder.h"
#include "features/content/hubert_weights.h"
#include "features/frames.h"
#include "golden.h"
#include "meta_device.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

const std::string hubert_folder = VOXCONV_TEST_DATA "/golden/hubert";

torch::Tensor one_second() { return golden::clip().slice(0, 8000, 24000); }
torch::Tensor expected_content(const std::string& name) { return nn::Safetensors(hubert_folder + "/expected.safetensors").get(name); }
auto load(const std::string& path, const std::string& output, torch::ScalarType precision = torch::kFloat) {
  return load_content_encoder(path + "/" + output, torch::kCPU, precision);
}

class HubertLayouts : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Hubert, HubertLayouts, testing::Values("", "/model.safetensors", "/fairseq.pt"), [](const auto& layout) {
  return layout.param.empty() ? "folder" : layout.param == "/fairseq.pt" ? "fairseq" : "safetensors";
});

TEST_P(HubertLayouts, EqualsTheReference) {
  const auto last = load(hubert_folder + GetParam(), "layer12"), projected = load(hubert_folder + GetParam(), "layer9-projection");
  EXPECT_EQ(last->dim(), 16);
  EXPECT_EQ(projected->dim(), 8);
  for (const auto& [name, samples] : std::map<std::string, std::int64_t>{{"whole", 16000}, {"short", 719}}) {
    const torch::Tensor audio = one_second().slice(0, 0, samples);
    const torch::Tensor frames = last->encode_frames(audio), reference = expected_content(name + ".last_layer");
    ASSERT_EQ(frames.sizes(), reference.sizes());
    EXPECT_LT(golden::relative_error(frames, reference), 1e-5) << name;
    EXPECT_LT(golden::relative_error(projected->encode_frames(audio), expected_content(name + ".layer9_projection")), 1e-5) << name;
  }
}

TEST(Hubert, Bfloat16IsNear) {
  EXPECT_LT(golden::relative_error(load(hubert_folder, "layer12", torch::kBFloat16)->encode_frames(one_second()),
                                   expected_content("whole.last_layer")),
            0.02);
}

/// The way of a GPU, layer by layer.
TEST(Hubert, HalfPrecisionIsNear) {
  EXPECT_LT(golden::relative_error(load(hubert_folder, "layer12", torch::kHalf)->encode_frames(one_second()),
                                   expected_content("whole.last_layer")),
            0.004);
}

TEST(Hubert, ComputesWithoutWaitingForValues) {
  for (const char* output : {"layer12", "layer9-projection"})
    for (const torch::ScalarType precision : {torch::kFloat, torch::kHalf}) {
      const auto encoder = load_content_encoder(hubert_folder + "/" + output, golden::meta_device, precision);
      const torch::Tensor content = encoder->encode_windows(torch::empty({3, 16000}, golden::meta_device));
      EXPECT_EQ(content.sizes(), torch::IntArrayRef({3, frame_count(16000), encoder->dim()}));
    }
}

TEST(Hubert, WindowsTogetherAreAsEachByItself) {
  for (const char* output : {"layer12", "layer9-projection"}) {
    const auto encoder = load(hubert_folder, output);
    const torch::Tensor windows =
        torch::stack({one_second().slice(0, 0, 9000), one_second().slice(0, 7000, 16000), 0.1 * torch::randn(9000)});
    const torch::Tensor together = encoder->encode_windows(windows);
    ASSERT_EQ(together.sizes(), torch::IntArrayRef({3, frame_count(9000), encoder->dim()}));
    for (std::int64_t i = 0; i < 3; ++i) EXPECT_LT(golden::relative_error(together[i], encoder->encode(windows[i])), 1e-6) << i;
  }
}

TEST(Hubert, FramesComeTwiceOnTheClock) {
  const auto encoder = load(hubert_folder, "layer12");
  EXPECT_EQ(encoder->repeats(), 2);
  const torch::Tensor frames = encoder->encode_frames(one_second()), content = encoder->encode(one_second());
  ASSERT_EQ(content.size(0), frame_count(16000));
  EXPECT_TRUE(torch::equal(content[40], frames[20]));
  EXPECT_TRUE(torch::equal(content[41], frames[20]));
  EXPECT_TRUE(torch::equal(content[-1], frames[-1]));
}

TEST(Hubert, TakesAudioOfAnyLength) {
  const auto encoder = load(hubert_folder, "layer12");
  for (const std::int64_t samples : {1, 399, 400, 719, 720, 70000}) {
    const torch::Tensor audio = torch::sin(torch::arange(samples) * 0.1);
    EXPECT_EQ(encoder->encode_frames(audio).size(0), std::max<std::int64_t>(1, (samples - 400) / 320 + 1)) << samples;
    const torch::Tensor content = encoder->encode(audio);
    EXPECT_EQ(content.size(0), frame_count(samples)) << samples;
    EXPECT_TRUE(torch::isfinite(content).all().item<bool>()) << samples;
  }
  EXPECT_TRUE(torch::isfinite(encoder->encode(torch::zeros(16000))).all().item<bool>());
}

TEST(Hubert, ReadsThePrefixAndTheOlderWeightNorm) {
  nn::StateDict older;
  for (const auto& [name, tensor] : nn::Safetensors(hubert_folder + "/model.safetensors").tensors()) {
    std::string renamed = "hubert." + name;
    for (const auto& [from, to] :
         {std::pair{".parametrizations.weight.original0", ".weight_g"}, {".parametrizations.weight.original1", ".weight_v"}})
      if (const std::size_t at = renamed.find(from); at != std::string::npos) renamed.replace(at, std::string::npos, to);
    older[renamed] = tensor;
  }
  older["lm_head.weight"] = torch::zeros({4, 16});
  const HubertWeights weights = read_hubert_weights(older, "older"),
                      newer = read_hubert_weights(nn::Safetensors(hubert_folder + "/model.safetensors").tensors(), "newer");
  EXPECT_TRUE(torch::equal(weights.positions.weight, newer.positions.weight));
  EXPECT_EQ(weights.layers.size(), 10);
}

TEST(Hubert, NamesWhatDoesNotFit) {
  nn::StateDict tensors = nn::Safetensors(hubert_folder + "/model.safetensors").tensors();
  tensors["surprise"] = tensors["encoder.layer_norm.weight"];
  tensors.erase("encoder.layers.3.attention.q_proj.weight");
  EXPECT_THAT([&] { read_hubert_weights(tensors, "file"); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(testing::HasSubstr("encoder.layers.3.attention.q_proj.weight"), testing::HasSubstr("surprise"))));
  EXPECT_THROW(read_hubert_weights({}, "file"), Error);
  EXPECT_THAT([] { load_content_encoder("no-such-family/layer12", torch::kCPU, torch::kFloat); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("voxconv models get no-such-family")));
  EXPECT_THROW(load_content_encoder("/nowhere/at all/layer12", torch::kCPU, torch::kFloat), Error);
}

}  // namespace
}  // namespace voxconv
