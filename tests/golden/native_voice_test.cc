// The native voice as a stream, over random acoustic weights and the shipped vocoder.
#include "models/native/native_voice.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "models/native/acoustic.h"
#include "models/native/config.h"
#include "nn/module.h"

namespace voxconv::native {
namespace {

class NativeVoice : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    AcousticModel acoustic;
    auto tensors = nn::named_tensors(*acoustic, "acoustic.");
    tensors["speaker"] =
        torch::nn::functional::normalize(torch::randn({speaker_dim}), torch::nn::functional::NormalizeFuncOptions().dim(0));
    VoiceInfo info;
    info.name = "random";
    info.architecture = "native";
    info.sample_rate = sample_rate;
    const std::string dir = (std::filesystem::path(testing::TempDir()) / ("voxconv_native_voice_" + std::to_string(::getpid()))).string();
    write_bundle(dir, info, bundle_settings(Acoustic::own), tensors);
    voice = load_native_voice(read_bundle(dir), torch::kCPU, torch::kFloat);
    frames = {torch::randn({frame_total, content_dim}), 200 + 50 * torch::sin(torch::arange(frame_total) / 20.0),
              torch::full({frame_total}, -3.f)};
    frames.f0.slice(0, 300, 350).fill_(0);
  }

  std::vector<float> synthesize(std::int64_t chunk, SynthesisOptions options = {}) {
    const auto stream = voice->start(options);
    std::vector<float> out;
    for (std::int64_t t = 0; t < frame_total; t += chunk) {
      const std::int64_t end = std::min(frame_total, t + chunk);
      const auto part =
          stream->push({frames.content.slice(0, t, end), frames.f0.slice(0, t, end), frames.loudness.slice(0, t, end)}, end == frame_total);
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }

  static double difference_db(const std::vector<float>& a, const std::vector<float>& b) {
    double power = 0, difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      power += double(a[i]) * a[i];
      difference += std::pow(double(a[i]) - b[i], 2);
    }
    return 10 * std::log10(difference / power + 1e-20);
  }

  static constexpr std::int64_t frame_total = 1300;
  std::shared_ptr<const VoiceModel> voice;
  FeatureFrames frames;
};

TEST_F(NativeVoice, GivesEverySample) {
  EXPECT_EQ(synthesize(frame_total).size(), std::size_t(frame_total * hop));
  for (float x : synthesize(frame_total)) ASSERT_TRUE(std::isfinite(x));
}

TEST_F(NativeVoice, DoesNotDependOnTheCut) {
  const auto whole = synthesize(frame_total);
  for (const std::int64_t chunk : {7, 100, 640}) {
    const auto cut = synthesize(chunk);
    ASSERT_EQ(cut.size(), whole.size());
    EXPECT_LT(difference_db(whole, cut), -80) << chunk;
  }
}

TEST_F(NativeVoice, IsTheSameForTheSameSeedOnly) {
  EXPECT_EQ(synthesize(500, {.seed = 1}), synthesize(500, {.seed = 1}));
  EXPECT_NE(synthesize(500, {.seed = 1}), synthesize(500, {.seed = 2}));
}

TEST_F(NativeVoice, ShiftsFormants) {
  EXPECT_NE(synthesize(500), synthesize(500, {.formant = 3}));
  EXPECT_LT(difference_db(synthesize(500), synthesize(500, {.formant = 1e-6})), -60);
}

TEST_F(NativeVoice, OfNothingIsNothing) { EXPECT_TRUE(voice->start({})->push({}, true).empty()); }

}  // namespace
}  // namespace voxconv::native
