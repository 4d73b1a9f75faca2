#include "convert/feature_stream.h"

#include <gtest/gtest.h>

#include <cmath>

#include "features/analysis_audio.h"
#include "features/loudness.h"

namespace voxconv {
namespace {

/// Content that says where in the whole song a frame lies, from the audio itself: the test's audio is a ramp.
class RampEncoder : public ContentEncoder {
 public:
  std::int64_t dim() const override { return 1; }
  torch::Tensor encode(const torch::Tensor& audio) const override {
    const std::int64_t frames = frame_count(audio.size(0));
    longest = std::max(longest, audio.size(0));
    const torch::Tensor place = (torch::arange(frames) * feature_hop).clamp_max(audio.size(0) - 1);
    return audio.index_select(0, place).unsqueeze(1).clone();
  }
  torch::Tensor encode_windows(const torch::Tensor& audio) const override {
    batches.push_back(audio.size(0));
    return ContentEncoder::encode_windows(audio);
  }
  mutable std::int64_t longest = 0;
  mutable std::vector<std::int64_t> batches;
};

/// Pitch 100 Hz everywhere but at the first and last frame of its window, where it fails.
class EdgyEstimator : public F0Estimator {
 public:
  F0Frames estimate(const torch::Tensor& audio) const override {
    torch::Tensor hz = torch::full({frame_count(audio.size(0))}, 100.f);
    hz[0] = hz[-1] = 0;
    return {hz, torch::ones_like(hz)};
  }
  double context_s() const override { return 0.01; }
};

std::vector<float> ramp(std::int64_t samples) {
  std::vector<float> audio(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] = float(i) / feature_rate;
  return audio;
}

SongPlan plan_for(const std::shared_ptr<const F0Estimator>& f0, std::int64_t batch = 1) {
  SongPlan plan = plan_song(f0.get(), torch::kCPU);
  plan.content.batch = plan.pitch.batch = batch;
  return plan;
}

FeatureFrames run(const std::vector<float>& audio, std::size_t chunk, std::int64_t* longest = nullptr, std::int64_t batch = 1,
                  std::vector<std::int64_t>* batches = nullptr) {
  auto encoder = std::make_shared<RampEncoder>();
  const auto f0 = std::make_shared<EdgyEstimator>();
  FeatureStream stream(plan_for(f0, batch), encoder, f0);
  std::vector<FeatureFrames> parts;
  for (std::size_t i = 0; i < audio.size(); i += chunk)
    parts.push_back(stream.push(std::span(audio).subspan(i, std::min(chunk, audio.size() - i))));
  parts.push_back(stream.finish());
  if (longest) *longest = encoder->longest;
  if (batches) *batches = encoder->batches;
  return join(parts);
}

TEST(FeatureStream, GivesEveryFrameOnceAndInPlace) {
  for (const std::int64_t samples : {1L, 160L, 800L, 16000L, 175999L, 176000L, 176001L, 160000L, 336000L, 1000000L}) {
    const FeatureFrames frames = run(ramp(samples), 50000);
    ASSERT_EQ(frames.size(), frame_count(samples)) << samples;
    ASSERT_EQ(frames.content.size(0), frames.size());
    ASSERT_EQ(frames.loudness.size(0), frames.size());
    // Both windows see the same ramp, so the fade between them must not show.
    const torch::Tensor wanted = (torch::arange(frames.size()) * feature_hop).clamp_max(samples - 1).to(torch::kFloat) / feature_rate;
    EXPECT_TRUE(torch::allclose(frames.content.squeeze(1), wanted, 1e-4, 1e-4)) << samples;
    // The estimator's blind ends lie in the context, except at the ends of the song.
    if (frames.size() > 2) {
      EXPECT_EQ((frames.f0 == 0).sum().item<std::int64_t>(), 2) << samples;
    }
  }
}

TEST(FeatureStream, DoesNotDependOnTheCut) {
  const std::vector<float> audio = ramp(500000);
  const FeatureFrames a = run(audio, 500000), b = run(audio, 777), c = run(audio, 160000);
  for (const FeatureFrames& other : {b, c}) {
    EXPECT_TRUE(torch::equal(a.content, other.content));
    EXPECT_TRUE(torch::equal(a.f0, other.f0));
    EXPECT_TRUE(torch::equal(a.loudness, other.loudness));
  }
}

TEST(FeatureStream, BatchesAreTheSameInEveryCut) {
  const std::vector<float> audio = ramp(1600000);  // 100 s: 10 windows
  const FeatureFrames alone = run(audio, 50000);
  for (const std::size_t chunk : {1600000UL, 640000UL, 50000UL}) {
    std::vector<std::int64_t> batches;
    const FeatureFrames batched = run(audio, chunk, nullptr, 4, &batches);
    EXPECT_TRUE(torch::equal(alone.content, batched.content)) << chunk;
    EXPECT_TRUE(torch::equal(alone.f0, batched.f0)) << chunk;
    EXPECT_TRUE(torch::equal(alone.loudness, batched.loudness)) << chunk;
    EXPECT_EQ(batches, (std::vector<std::int64_t>{4, 4})) << chunk << ": the first and the last window have other lengths";
  }
}

TEST(FeatureStream, KeepsWindowsBounded) {
  std::int64_t longest = 0;
  run(ramp(2000000), 100000, &longest);
  const SongPlan plan = plan_song(nullptr, torch::kCPU);
  EXPECT_LE(longest, (plan.content.hop + 2 * plan.content.right) * feature_hop);
}

/// Pitch 100 Hz, but for the frames whose context, 2.56 s, is not there.
class DeepEstimator : public F0Estimator {
 public:
  F0Frames estimate(const torch::Tensor& audio) const override {
    torch::Tensor hz = torch::full({frame_count(audio.size(0))}, 100.f);
    hz.slice(0, 0, 256).zero_();
    hz.slice(0, -256).zero_();
    return {hz, torch::ones_like(hz)};
  }
  double context_s() const override { return 2.56; }
};

TEST(FeatureStream, GivesAnEstimatorTheContextItAsksFor) {
  const std::vector<float> audio = ramp(600000);
  const auto f0 = std::make_shared<DeepEstimator>();
  FeatureStream stream(plan_for(f0), std::make_shared<RampEncoder>(), f0);
  const FeatureFrames frames = join({stream.push(audio), stream.finish()});
  ASSERT_EQ(frames.size(), frame_count(600000));
  EXPECT_EQ((frames.f0 == 0).sum().item<std::int64_t>(), 512) << "at the song's ends alone";
}

TEST(FeatureStream, GivesFramesWithinThePlansLookahead) {
  const std::vector<float> audio = ramp(1000000);
  const auto f0 = std::make_shared<DeepEstimator>();
  for (const std::int64_t batch : {1, 2}) {
    const SongPlan plan = plan_for(f0, batch);
    FeatureStream stream(plan, std::make_shared<RampEncoder>(), f0);
    std::int64_t given = 0, furthest = 0;
    for (std::size_t at = 0; at < audio.size(); at += 800) {
      given += stream.push(std::span(audio).subspan(at, 800)).size();
      furthest = std::max(furthest, std::int64_t(at + 800) / feature_hop - given);
    }
    EXPECT_LE(furthest, plan.feature_lookahead_frames()) << batch;
    EXPECT_GE(furthest, plan.feature_lookahead_frames() - 10) << batch << ": no more than is needed";
  }
}

TEST(FeatureStream, HasThePitchThatVoxconvF0Writes) {
  class Reader : public AudioReader {
   public:
    explicit Reader(const std::vector<float>& audio) : audio_(audio) { info_.rate = feature_rate, info_.channels = 1; }
    const AudioInfo& info() const override { return info_; }
    bool read(AudioBuffer& out, std::size_t max_frames) override {
      const std::size_t count = std::min(max_frames, audio_.size() - at_);
      out = AudioBuffer(feature_rate, 0);
      out.channels.emplace_back(audio_.begin() + std::ptrdiff_t(at_), audio_.begin() + std::ptrdiff_t(at_ + count));
      at_ += count;
      return count > 0;
    }

   private:
    const std::vector<float>& audio_;
    AudioInfo info_;
    std::size_t at_ = 0;
  };
  std::vector<float> audio(24 * feature_rate);
  double phase = 0;
  for (std::size_t i = 0; i < audio.size(); ++i) {
    audio[i] = float(0.2 * std::sin(phase) + 0.1 * std::sin(2 * phase));
    phase += 2 * M_PI * 220 * std::exp2(std::sin(double(i) / feature_rate) / 2) / feature_rate;
  }
  Reader reader(audio);
  F0Options options;
  options.estimator = "pyin";
  const F0Track track = estimate_f0(reader, options);
  AnalysisAudio analysis(feature_rate);
  AudioBuffer mono(feature_rate, 0);
  mono.channels.push_back(audio);
  std::vector<float> analysed = analysis.push(mono), rest = analysis.finish();
  analysed.insert(analysed.end(), rest.begin(), rest.end());
  const auto f0 = load_f0_estimator("pyin", {}, torch::kCPU);
  FeatureStream stream(plan_for(f0), nullptr, f0);
  const FeatureFrames frames = join({stream.push(analysed), stream.finish()});
  EXPECT_TRUE(torch::equal(frames.f0, torch::tensor(track.hz)));
  EXPECT_EQ(frames.content.size(1), 0) << "no encoder, no content";
}

TEST(FeatureStream, TakesThePitchOfATrack) {
  F0Track track;
  for (int t = 0; t < 2500; ++t) track.hz.push_back(t % 500 < 300 ? float(100 + t) : 0);
  std::vector<float> audio(std::size_t(26 * feature_rate), 0.0005f);
  for (std::size_t i = 0; i / feature_hop < track.hz.size(); ++i)
    if (track.hz[i / feature_hop] > 0) audio[i] = 0.1f;
  const auto run = [&](double pause_db) {
    FeatureStream stream(plan_for(nullptr), std::make_shared<RampEncoder>(), nullptr, pause_db, &track);
    return join({stream.push(audio), stream.finish()});
  };
  const FeatureFrames frames = run(20);
  ASSERT_EQ(frames.size(), frame_count(std::int64_t(audio.size())));
  EXPECT_TRUE(torch::equal(frames.f0.slice(0, 0, 2500), torch::tensor(track.hz)));
  EXPECT_EQ(frames.f0.slice(0, 2500).abs().max().item<float>(), 0) << "behind the track's end";
  const torch::Tensor lower = (run(0).loudness - frames.loudness) * 8.6859f;  // dB
  EXPECT_NEAR(lower.slice(0, 100, 200).abs().max().item<float>(), 0, 0.1) << "sung";
  EXPECT_NEAR(lower.slice(0, 350, 450).mean().item<float>(), 20, 0.1) << "not sung";
}

TEST(FeatureStream, OfNothingIsNothing) {
  FeatureStream stream(plan_for(nullptr), std::make_shared<RampEncoder>(), nullptr);
  EXPECT_EQ(stream.finish().size(), 0);
}

}  // namespace
}  // namespace voxconv
