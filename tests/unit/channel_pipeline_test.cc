// What the converter does around a voice with RVC's requirements, over a voice and an encoder made for the test.
#include "convert/channel_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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

/// Keeps the frames that it is given, and gives a tone of its own loudness.
class RvcLikeVoice final : public VoiceModel {
 public:
  struct Stream final : VoiceStream {
    explicit Stream(std::vector<FeatureFrames>& pushed) : pushed_(pushed) {}
    std::vector<float> push(const FeatureFrames& frames, bool) override {
      if (frames.size() > 0) pushed_.push_back(frames);
      std::vector<float> out;
      for (std::int64_t i = 0; i < frames.size() * voice_hop; ++i) out.push_back(float(0.1 * std::sin(0.06 * double(samples_++))));
      return out;
    }
    std::vector<FeatureFrames>& pushed_;
    std::int64_t samples_ = 0;
  };

  int sample_rate() const override { return voice_rate; }
  std::string content_encoder() const override { return "none"; }
  torch::Tensor speaker_embedding() const override { return {}; }
  ModelRequirements requirements() const override { return {.rms_mix = true, .retrieval = true, .f0 = "pyin"}; }
  std::int64_t speakers() const override { return 2; }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(pushed); }
  mutable std::vector<FeatureFrames> pushed;
};

struct Song {
  std::shared_ptr<RvcLikeVoice> model = std::make_shared<RvcLikeVoice>();
  Voice::Impl voice;
  ConversionInputs inputs;
  ConvertOptions options;
  std::shared_ptr<ConstantIndex> index = std::make_shared<ConstantIndex>();

  Song() {
    voice.model = model;
    voice.content = inputs.content = std::make_shared<CountingContent>();
    inputs.track.emplace();
    inputs.track->hz = std::vector<float>(100, 200.f);  // a second with a pitch, then none
  }

  std::vector<float> convert(double seconds, double amplitude = 0.2) {
    AudioBuffer audio(feature_rate, 1, std::size_t(seconds * feature_rate));
    for (std::size_t i = 0; i < audio.frames(); ++i) audio.channels[0][i] = float(amplitude * std::sin(0.1 * double(i)));
    ChannelPipeline pipeline(voice, inputs, options, plan_song(inputs.f0.get(), torch::kCPU), options.key, feature_rate,
                             options.resample ? int(options.resample) : voice_rate, 0);
    std::vector<float> out = pipeline.push(audio);
    const std::vector<float> rest = pipeline.finish();
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  }
  FeatureFrames frames() const { return join(model->pushed); }
};

TEST(ChannelPipeline, RetrievalSearchesOncePerFrameOfTheEncoder) {
  Song song;
  song.options.index_rate = 0.5;
  song.inputs.content = std::make_shared<RetrievingEncoder>(song.voice.content, song.index, 0.5, false);
  song.convert(2);
  EXPECT_EQ(song.index->asked, 101);
  const torch::Tensor content = song.frames().content;
  ASSERT_EQ(content.size(1), dim);
  EXPECT_FLOAT_EQ(content[40][0].item<float>(), 0.5f * 20 - 5);
  EXPECT_FLOAT_EQ(content[41][0].item<float>(), 0.5f * 20 - 5);
}

TEST(ChannelPipeline, ProtectsFramesWithoutPitch) {
  Song song;
  song.options.protect = 0.25;
  song.inputs.content = std::make_shared<RetrievingEncoder>(song.voice.content, song.index, 1, true);
  song.inputs.keeps_plain = true;
  song.convert(2);
  const FeatureFrames frames = song.frames();
  ASSERT_EQ(frames.content.size(1), dim);
  EXPECT_FLOAT_EQ(frames.content[50][1].item<float>(), -10);
  EXPECT_FLOAT_EQ(frames.content[150][1].item<float>(), 0.25f * -10 + 0.75f * 75);
}

TEST(ChannelPipeline, TheHeadProfileLeavesNoFrameWithoutPitch) {
  Song song;
  EXPECT_EQ((song.convert(2), song.frames().f0[150].item<float>()), 0);
  Song head;
  head.options.profile = "head";
  head.options.key = 12;
  head.convert(2);
  EXPECT_EQ(head.frames().size(), song.frames().size());
  EXPECT_FLOAT_EQ(head.frames().f0[150].item<float>(), 400);
}

TEST(ChannelPipeline, TheMixFollowsTheSource) {
  const auto rms = [](const std::vector<float>& x) {
    return torch::tensor(x).slice(0, voice_rate, 3 * voice_rate).square().mean().sqrt().item<double>();
  };
  Song quiet, as_sung;
  quiet.options.rms_mix = 0;
  as_sung.options.rms_mix = 1;
  EXPECT_NEAR(rms(quiet.convert(4, 0.02)), 0.02 / std::sqrt(2), 0.001);
  EXPECT_NEAR(rms(as_sung.convert(4, 0.02)), 0.1 / std::sqrt(2), 0.001);
}

/// Gives frames a window at a time, silent or as loud as a voice.
class WindowedVoice final : public VoiceModel {
 public:
  struct Stream final : VoiceStream {
    std::vector<float> push(const FeatureFrames& frames, bool last) override {
      frames_ += frames.size();
      std::int64_t given = 0;
      for (auto next = last ? windows_.rest(frames_, frames_) : windows_.next(frames_); !next.empty();
           next = last ? windows_.rest(frames_, frames_) : windows_.next(frames_))
        given += next[0].end - next[0].begin;
      return std::vector<float>(std::size_t(given * voice_hop), 0.1f);
    }
    WindowSequence windows_{{.hop = 200, .left = 50, .right = 70}};
    std::int64_t frames_ = 0;
  };

  explicit WindowedVoice(bool rms_mix) : rms_mix_(rms_mix) {}
  int sample_rate() const override { return voice_rate; }
  std::string content_encoder() const override { return "none"; }
  torch::Tensor speaker_embedding() const override { return {}; }
  ModelRequirements requirements() const override { return {.rms_mix = rms_mix_}; }
  VoiceWindows windows(const SynthesisOptions&) const override { return {{.hop = 200, .left = 50, .right = 70}}; }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(); }

 private:
  bool rms_mix_;
};

TEST(ChannelPipeline, GivesSamplesWithinThePlansLookahead) {
  for (const bool rms_mix : {false, true}) {
    Song song;
    song.voice.model = std::make_shared<WindowedVoice>(rms_mix);
    song.inputs.track.reset();
    song.inputs.f0 = load_f0_estimator("pyin", {}, torch::kCPU);
    song.options.resample = 48000;
    const SongPlan plan = plan_conversion(song.voice, song.inputs, song.options);
    constexpr int source_rate = 44100, result_rate = 48000;
    ChannelPipeline pipeline(song.voice, song.inputs, song.options, plan, 0, source_rate, result_rate, 0);
    AudioBuffer piece(source_rate, 1, source_rate / 20);
    double furthest = 0, given_s = 0;
    for (int pieces = 1; pieces <= 20 * 75; ++pieces) {
      for (std::size_t i = 0; i < piece.frames(); ++i) piece.channels[0][i] = float(0.2 * std::sin(0.03 * double(i)));
      given_s += double(pipeline.push(piece).size()) / result_rate;
      furthest = std::max(furthest, pieces / 20.0 - given_s);
    }
    const double lookahead_s = double(plan.lookahead_frames()) / frame_rate;
    EXPECT_LE(furthest, lookahead_s + 0.05) << rms_mix << ": and a piece";
    EXPECT_GE(furthest, 0.75 * lookahead_s) << rms_mix << ": borders of the stages' windows do not meet at their worst";
  }
}

TEST(ChannelPipeline, ResamplesTheResult) {
  Song song;
  song.options.resample = 16000;
  EXPECT_NEAR(double(song.convert(2).size()), 2 * 16000 + 160, 2);
}

/// The message with which the options are refused.
std::string refusal(const std::function<void(Song&)>& change) {
  Song song;
  song.voice.info.name = "anna";
  song.options.f0 = "pyin";
  change(song);
  try {
    song.options.validate();
    load_conversion_inputs(song.voice, song.options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(ChannelPipeline, WhatCannotBeIsRefused) {
  EXPECT_EQ(refusal([](Song&) {}), "");
  EXPECT_THAT(refusal([](Song& song) { song.options.speaker = 2; }), testing::HasSubstr("speakers 0 to 1"));
  EXPECT_THAT(refusal([](Song& song) { song.options.key_auto = true; }), testing::HasSubstr("range of the voice anna"));
  EXPECT_THAT(refusal([](Song& song) { song.options.exact = song.options.keep_stereo = true; }), testing::HasSubstr("exact"));
  EXPECT_THAT(refusal([](Song& song) { song.options.index = VOXCONV_TEST_DATA "/golden/added_tiny.index"; }), testing::HasSubstr("24"));
  EXPECT_THAT(refusal([](Song& song) { song.options.index = "none.index"; }), testing::HasSubstr("none.index"));
}

TEST(ChannelPipeline, TheBundlesIndexIsUsed) {
  const fs::path bundle = fs::path(testing::TempDir()) / "channel_pipeline_bundle";
  fs::create_directories(bundle);
  build_retrieval_index((bundle / "index.faiss").string(), torch::randn({50, dim}));
  Song song;
  song.voice.info.path = bundle.string();
  song.options.f0 = "pyin";
  EXPECT_TRUE(load_conversion_inputs(song.voice, song.options).index);
  EXPECT_TRUE(load_conversion_inputs(song.voice, song.options).keeps_plain);
  song.options.protect = 0.5;
  EXPECT_FALSE(load_conversion_inputs(song.voice, song.options).keeps_plain);
  song.options.index_rate = 0;
  EXPECT_FALSE(load_conversion_inputs(song.voice, song.options).index);
  fs::remove_all(bundle);
}

TEST(ChannelPipeline, VoicesOfAnotherKindHaveNoExactMode) { EXPECT_THROW(RvcLikeVoice().convert_whole({}), Error); }

}  // namespace
}  // namespace voxconv
