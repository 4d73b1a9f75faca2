// What the converter does around a voice that asks for RVC's treatment, over a voice and an encoder made for the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "convert/lane.h"
#include "core/fail.h"
#include "features/retrieval/retrieving_encoder.h"
#include "sine_voice.h"
#include "voxconv/converter.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t dim = 4;

/// Frames of 50 a second, each given twice: the number of the frame in all places.
class CountingContent final : public ContentEncoder {
 public:
  std::int64_t dim() const override { return voxconv::dim; }
  torch::Tensor encode(const torch::Tensor& audio) const override {
    const torch::Tensor frames = torch::arange(frame_count(audio.size(0))).floor_divide(2).to(torch::kFloat);
    return frames.unsqueeze(1).repeat({1, voxconv::dim});
  }
  std::int64_t repeats() const override { return 2; }
};

/// Answers every frame with the same vector, and counts the frames.
class ConstantIndex final : public RetrievalIndex {
 public:
  std::int64_t dim() const override { return voxconv::dim; }
  std::int64_t size() const override { return 1; }
  torch::Tensor nearest(const torch::Tensor& content) const override {
    asked += content.size(0);
    return torch::full_like(content, -10);
  }
  mutable std::int64_t asked = 0;
};

/// Keeps what it is given to sing, and sings a tone of its own loudness.
class RvcLikeVoice final : public VoiceModel {
 public:
  struct Stream final : VoiceStream {
    explicit Stream(std::vector<FeatureFrames>& heard) : heard_(heard) {}
    std::vector<float> push(const FeatureFrames& frames, bool) override {
      if (frames.size() > 0) heard_.push_back(frames);
      std::vector<float> out;
      for (std::int64_t i = 0; i < frames.size() * voice_hop; ++i) out.push_back(float(0.1 * std::sin(0.06 * double(sung_++))));
      return out;
    }
    std::vector<FeatureFrames>& heard_;
    std::int64_t sung_ = 0;
  };

  int sample_rate() const override { return voice_rate; }
  std::string content_encoder() const override { return "none"; }
  torch::Tensor speaker_embedding() const override { return {}; }
  Treatment treatment() const override { return {.rms_mix = true, .retrieval = true, .f0 = "pyin"}; }
  std::int64_t speakers() const override { return 2; }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(heard); }
  mutable std::vector<FeatureFrames> heard;
};

struct Song {
  std::shared_ptr<RvcLikeVoice> model = std::make_shared<RvcLikeVoice>();
  Voice::Impl voice;
  Ingredients with;
  ConvertOptions options;
  std::shared_ptr<ConstantIndex> index = std::make_shared<ConstantIndex>();

  Song() {
    voice.model = model;
    voice.content = with.content = std::make_shared<CountingContent>();
    with.track.emplace();
    with.track->hz = std::vector<float>(100, 200.f);  // a second with a pitch, then none
  }

  std::vector<float> sing(double seconds, double amplitude = 0.2) {
    AudioBuffer audio(feature_rate, 1, std::size_t(seconds * feature_rate));
    for (std::size_t i = 0; i < audio.frames(); ++i) audio.channels[0][i] = float(amplitude * std::sin(0.1 * double(i)));
    Lane lane(voice, with, options, options.key, feature_rate, options.resample ? int(options.resample) : voice_rate, 0);
    std::vector<float> out = lane.push(audio);
    const std::vector<float> rest = lane.finish();
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  }
  FeatureFrames heard() const { return join(model->heard); }
};

TEST(Treatment, RetrievalSearchesOncePerFrameOfTheEncoder) {
  Song song;
  song.options.index_rate = 0.5;
  song.with.content = std::make_shared<RetrievingEncoder>(song.voice.content, song.index, 0.5, false);
  song.sing(2);
  EXPECT_EQ(song.index->asked, 101);
  const torch::Tensor content = song.heard().content;
  ASSERT_EQ(content.size(1), dim);
  EXPECT_FLOAT_EQ(content[40][0].item<float>(), 0.5f * 20 - 5);
  EXPECT_FLOAT_EQ(content[41][0].item<float>(), 0.5f * 20 - 5);
}

TEST(Treatment, ProtectsFramesWithoutPitch) {
  Song song;
  song.options.protect = 0.25;
  song.with.content = std::make_shared<RetrievingEncoder>(song.voice.content, song.index, 1, true);
  song.with.protects = true;
  song.sing(2);
  const FeatureFrames heard = song.heard();
  ASSERT_EQ(heard.content.size(1), dim);
  EXPECT_FLOAT_EQ(heard.content[50][1].item<float>(), -10);
  EXPECT_FLOAT_EQ(heard.content[150][1].item<float>(), 0.25f * -10 + 0.75f * 75);
}

TEST(Treatment, TheHeadProfileLeavesNoFrameWithoutPitch) {
  Song song;
  EXPECT_EQ((song.sing(2), song.heard().f0[150].item<float>()), 0);
  Song head;
  head.options.profile = "head";
  head.options.key = 12;
  head.sing(2);
  EXPECT_EQ(head.heard().size(), song.heard().size());
  EXPECT_FLOAT_EQ(head.heard().f0[150].item<float>(), 400);
}

TEST(Treatment, TheMixFollowsTheSource) {
  const auto rms = [](const std::vector<float>& x) {
    return torch::tensor(x).slice(0, voice_rate, 3 * voice_rate).square().mean().sqrt().item<double>();
  };
  Song quiet, as_sung;
  quiet.options.rms_mix = 0;
  as_sung.options.rms_mix = 1;
  EXPECT_NEAR(rms(quiet.sing(4, 0.02)), 0.02 / std::sqrt(2), 0.001);
  EXPECT_NEAR(rms(as_sung.sing(4, 0.02)), 0.1 / std::sqrt(2), 0.001);
}

TEST(Treatment, ResamplesTheResult) {
  Song song;
  song.options.resample = 16000;
  EXPECT_NEAR(double(song.sing(2).size()), 2 * 16000 + 160, 2);
}

/// The message with which the options are refused.
std::string refusal(const std::function<void(Song&)>& change) {
  Song song;
  song.voice.info.name = "anna";
  song.options.f0 = "pyin";
  change(song);
  try {
    song.options.validate();
    gather_ingredients(song.voice, song.options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Treatment, WhatCannotBeIsRefused) {
  EXPECT_EQ(refusal([](Song&) {}), "");
  EXPECT_THAT(refusal([](Song& song) { song.options.speaker = 2; }), testing::HasSubstr("speakers 0 to 1"));
  EXPECT_THAT(refusal([](Song& song) { song.options.key_auto = true; }), testing::HasSubstr("range of the voice anna"));
  EXPECT_THAT(refusal([](Song& song) { song.options.exact = song.options.keep_stereo = true; }), testing::HasSubstr("exact"));
  EXPECT_THAT(refusal([](Song& song) { song.options.index = VOXCONV_TEST_DATA "/golden/added_tiny.index"; }), testing::HasSubstr("24"));
  EXPECT_THAT(refusal([](Song& song) { song.options.index = "none.index"; }), testing::HasSubstr("none.index"));
}

TEST(Treatment, TheBundlesIndexIsUsed) {
  const fs::path bundle = fs::path(testing::TempDir()) / "treatment_bundle";
  fs::create_directories(bundle);
  build_retrieval_index((bundle / "index.faiss").string(), torch::randn({50, dim}));
  Song song;
  song.voice.info.path = bundle.string();
  song.options.f0 = "pyin";
  EXPECT_TRUE(gather_ingredients(song.voice, song.options).index);
  EXPECT_TRUE(gather_ingredients(song.voice, song.options).protects);
  song.options.protect = 0.5;
  EXPECT_FALSE(gather_ingredients(song.voice, song.options).protects);
  song.options.index_rate = 0;
  EXPECT_FALSE(gather_ingredients(song.voice, song.options).index);
  fs::remove_all(bundle);
}

TEST(Treatment, VoicesOfAnotherKindHaveNoExactMode) { EXPECT_THROW(RvcLikeVoice().convert_whole({}), Error); }

}  // namespace
}  // namespace voxconv
