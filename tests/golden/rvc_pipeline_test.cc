// The exact mode against RVC's own Pipeline of both generations with tiny random weights; made by scripts/goldens/rvc_pipeline.py.
#include <gtest/gtest.h>

#include <cmath>

#include "features/content/content_encoder.h"
#include "golden.h"
#include "models/rvc/exact_pipeline.h"

namespace voxconv {
namespace {

const std::string folder = VOXCONV_TEST_DATA "/golden/rvc_pipeline/";

/// The pitch that RVC was given.
class GivenPitch final : public F0Estimator {
 public:
  explicit GivenPitch(torch::Tensor hz) : hz_(std::move(hz)) {}
  F0Frames estimate(const torch::Tensor& audio) const override {
    const torch::Tensor hz = hz_.slice(0, 0, frame_count(audio.size(0)));
    return {hz, torch::ones_like(hz)};
  }
  double context_s() const override { return 0; }

 private:
  torch::Tensor hz_;
};

rvc::Config config() {
  rvc::Config shape;
  shape.content_dim = 16;
  shape.inter_channels = shape.hidden_channels = 16;
  shape.filter_channels = 24;
  shape.heads = shape.layers = 2;
  shape.resblock_kernels = {3, 7};
  shape.resblock_dilations = {{1, 3, 5}, {1, 3, 5}};
  shape.upsample_rates = {5, 4, 2};
  shape.upsample_kernels = {11, 8, 4};
  shape.upsample_channels = 16;
  shape.speakers = 3;
  shape.speaker_dim = 8;
  shape.sample_rate = 4000;
  return shape;
}

class RvcPipeline : public testing::Test {
 protected:
  RvcPipeline()
      : expected_(folder + "expected.safetensors"),
        content_(load_content_encoder(VOXCONV_TEST_DATA "/golden/hubert/layer12", torch::kCPU, torch::kFloat)),
        pitch_(expected_.get("f0")),
        index_(load_retrieval_index(folder + "added.index")),
        synthesizer_(
            rvc::make_synthesizer(config(), nn::Safetensors(folder + "weights.safetensors").tensors(), torch::kCPU, torch::kFloat)) {
    torch::set_num_threads(1);  // so small that threads only wait for each other
  }

  WholeSong song(double seconds) const {
    WholeSong song;
    song.audio = golden::clip().slice(0, 0, std::int64_t(seconds * feature_rate));
    song.content = content_.get();
    song.f0 = &pitch_;
    return song;
  }

  /// Relative error of the exact mode, rounded as RVC rounds.
  double error(const WholeSong& song, const std::string& name) const {
    const std::vector<float> audio = rvc::convert_exactly(*synthesizer_, song, {.pad = 0.25, .query = 0.5, .centre = 1.5, .most = 2});
    const torch::Tensor reference = expected_.get(name).to(torch::kFloat);
    EXPECT_EQ(std::int64_t(audio.size()), reference.size(0));
    if (std::int64_t(audio.size()) != reference.size(0)) return 1;
    return golden::relative_error((torch::tensor(audio) * 32768).trunc(), reference);
  }

  nn::Safetensors expected_;
  std::shared_ptr<const ContentEncoder> content_;
  GivenPitch pitch_;
  std::shared_ptr<const RetrievalIndex> index_;
  std::shared_ptr<const rvc::Synthesizer> synthesizer_;
};

TEST_F(RvcPipeline, HeadWithCutsAndIndexAndMix) {
  WholeSong head = song(5);
  head.index = index_.get();
  head.key = 3;
  head.index_rate = 0.75;
  head.protect = 0.33;
  head.rms_mix = 0.25;
  head.bridge = true;
  head.speaker = 1;
  head.seed = 7;
  EXPECT_LT(error(head, "head"), 1e-3);
}

TEST_F(RvcPipeline, ClassicProtectsUnvoicedFrames) {
  WholeSong classic = song(5);
  classic.index = index_.get();
  classic.key = -2;
  classic.index_rate = 0.6;
  classic.protect = 0.33;
  classic.seed = 8;
  EXPECT_LT(error(classic, "classic"), 1e-3);
  classic.protect = 0.5;
  EXPECT_GT(error(classic, "classic"), 2e-3);
}

/// RVC cuts a song that fades away at its very end; what a part has beyond its cut is not there then.
TEST_F(RvcPipeline, CutsAtTheEnd) {
  rvc::Config silent = config();
  silent.f0 = false;
  nn::StateDict weights = nn::Safetensors(folder + "weights.safetensors").tensors();
  for (auto item = weights.begin(); item != weights.end();)
    item = item->first.find("noise_convs.") != std::string::npos || item->first.find("m_source.") != std::string::npos ||
                   item->first == "enc_p.emb_pitch.weight"
               ? weights.erase(item)
               : std::next(item);
  const auto synthesizer = rvc::make_synthesizer(silent, weights, torch::kCPU, torch::kFloat);
  constexpr std::int64_t samples = 32050;  // the cut comes at 32000
  WholeSong song = this->song(3);
  song.audio = torch::sin(torch::arange(samples) * (2 * M_PI / 16)) * torch::linspace(1, 0, samples);
  song.f0 = nullptr;
  const std::vector<float> audio = rvc::convert_exactly(*synthesizer, song, {.pad = 0.25, .query = 0.6, .centre = 1.5, .most = 2});
  // 40050 samples with the padding are 124 of HuBERT's frames of 20 ms, from which the padding's 25 go; behind the cut nothing is left.
  EXPECT_EQ(std::int64_t(audio.size()), 2 * (124 - 25) * silent.hop());
}

TEST_F(RvcPipeline, ShortSongsAreNotCut) {
  WholeSong brief = song(1.5);
  brief.rms_mix = 0.25;
  brief.speaker = 2;
  brief.seed = 9;
  EXPECT_LT(error(brief, "short"), 1e-3);
}

}  // namespace
}  // namespace voxconv
