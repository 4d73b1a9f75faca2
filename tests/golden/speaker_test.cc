// Against the package resemblyzer; made by scripts/goldens/speaker.py.
#include <gtest/gtest.h>

#include <cmath>

#include "features/speaker/speaker_encoder.h"
#include "golden.h"

namespace voxconv {
namespace {

TEST(SpeakerEncoder, MelEqualsTheReference) {
  const torch::Tensor mel = SpeakerEncoder().mel(golden::clip());
  const torch::Tensor reference = golden::open("speaker").get("mels");
  EXPECT_LT(golden::relative_error(mel.slice(0, 0, 160), reference[0]), 1e-5);
  EXPECT_LT(golden::relative_error(mel.slice(0, 160, 320), reference[1]), 1e-5);
}

TEST(SpeakerEncoder, NetworkEqualsTheReference) {
  EXPECT_LT(
      golden::relative_error(SpeakerEncoder().embed_mels(golden::open("speaker").get("mels")), golden::open("speaker").get("network")),
      1e-3);
}

TEST(SpeakerEncoder, WholePipelineIsNearTheReference) {
  const SpeakerEncoder encoder;
  const torch::Tensor embedding = encoder.embed(golden::clip());
  EXPECT_NEAR(embedding.norm().item<double>(), 1, 1e-5);
  EXPECT_GT(torch::dot(embedding, golden::open("speaker").get("embedding")).item<double>(), 0.98);
}

TEST(SpeakerEncoder, TheLevelIsNoPartOfTheVoice) {
  const SpeakerEncoder encoder;
  const torch::Tensor embedding = encoder.embed(golden::clip());
  for (const double gain : {2.0, 0.1, 0.002, 0.0002})
    EXPECT_GT(torch::dot(encoder.embed(golden::clip() * gain), embedding).item<double>(), 0.99999) << gain;
}

TEST(SpeakerEncoder, SpeechIsBroughtToOneLevelHoweverMuchSilenceIsAroundIt) {
  const torch::Tensor silence = torch::zeros({80000});
  for (const torch::Tensor& audio : {golden::clip(), golden::clip() * 0.01, torch::cat({silence, golden::clip(), silence})})
    EXPECT_NEAR(20 * std::log10(SpeakerEncoder::prepare(audio).square().mean().sqrt().item<double>()), -30, 0.01);
}

TEST(SpeakerEncoder, LongSilenceIsTakenOut) {
  const torch::Tensor silence = torch::zeros({32000});
  const torch::Tensor prepared = SpeakerEncoder::prepare(torch::cat({golden::clip(), silence, golden::clip()}));
  EXPECT_LT(prepared.size(0), 2 * golden::clip().size(0) + 16000);
  EXPECT_GT(prepared.size(0), golden::clip().size(0));
}

TEST(SpeakerEncoder, SilenceAndSnippetsHaveAnAnswer) {
  const SpeakerEncoder encoder;
  EXPECT_EQ(encoder.embed(torch::zeros({16000})).abs().sum().item<double>(), 0);
  EXPECT_EQ(encoder.embed(torch::zeros({0})).abs().sum().item<double>(), 0);
  EXPECT_NEAR(encoder.embed(golden::clip().slice(0, 30000, 30100)).norm().item<double>(), 1, 1e-5);
}

}  // namespace
}  // namespace voxconv
