// Text encoder, flow, excitation and decoder against RVC's own classes, all variants; made by scripts/goldens/rvc.py.
#include <gtest/gtest.h>

#include "golden.h"
#include "meta_device.h"
#include "rvc_golden.h"
#include "voxconv/error.h"

namespace voxconv::rvc {
namespace {

using golden::relative_error;

class RvcSynthesizer : public testing::TestWithParam<const char*> {
 protected:
  const GoldenModel model_{GetParam()};
  const Synthesizer& synthesizer_ = *model_.synthesizer;
  const torch::Tensor speaker_ = synthesizer_.speaker(golden_speaker);
};

INSTANTIATE_TEST_SUITE_P(Variants, RvcSynthesizer, testing::ValuesIn(golden_models),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(RvcSynthesizer, EncodesAsRvc) {
  const Prior prior = synthesizer_.encode(model_.get("content"), model_.f0());
  EXPECT_LT(relative_error(prior.mean, model_.get("mean")), 1e-5);
  EXPECT_LT(relative_error(prior.log_deviation, model_.get("log_deviation")), 1e-5);
  const torch::Tensor drawn = prior.mean + prior.log_deviation.exp() * model_.get("noise") * prior_temperature;
  EXPECT_LT(relative_error(drawn, model_.get("z_p")), 1e-5);
}

TEST_P(RvcSynthesizer, FlowsAsRvc) { EXPECT_LT(relative_error(synthesizer_.flow(model_.get("z_p"), speaker_), model_.get("z")), 1e-5); }

TEST_P(RvcSynthesizer, FlowsPiecesAsTheWhole) {
  const torch::Tensor drawn = model_.get("z_p").repeat({1, 5});
  const std::int64_t context = synthesizer_.flow_context_frames(), first = 40, last = 61;
  const torch::Tensor whole = synthesizer_.flow(drawn, speaker_).slice(1, first, last);
  const auto piece = [&](std::int64_t around) {
    return synthesizer_.flow(drawn.slice(1, first - around, last + around), speaker_).slice(1, around, around + last - first);
  };
  EXPECT_LT(relative_error(piece(context), whole), 1e-6);
  EXPECT_GT(relative_error(piece(context / 3), whole), 1e-6);
}

TEST_P(RvcSynthesizer, DecodesAsRvc) {
  const Decoder& decoder = synthesizer_.decoder();
  torch::Tensor excitation;
  if (model_.checkpoint.config.f0) {
    Decoder::Phase phase;
    excitation = decoder.excite(model_.f0(), model_.get("source_noise"), phase);
    EXPECT_LT(relative_error(excitation, model_.get("excitation")), 1e-4);  // RVC adds the sines' phase up in float32
    excitation = model_.get("excitation");
  }
  EXPECT_LT(relative_error(decoder.decode(model_.get("z"), excitation, speaker_), model_.get("audio")), 1e-5);
}

/// The way of a GPU, layer by layer.
TEST_P(RvcSynthesizer, DecodesNearlySoInHalfPrecision) {
  const auto half = make_synthesizer(model_.checkpoint.config, model_.checkpoint.weights, torch::kCPU, torch::kHalf);
  const torch::Tensor excitation = model_.checkpoint.config.f0 ? model_.get("excitation") : torch::Tensor();
  EXPECT_LT(relative_error(half->decoder().decode(model_.get("z"), excitation, speaker_), model_.get("audio")), 0.0018);  // 55 dB
}

TEST_P(RvcSynthesizer, ComputesWithoutWaitingForValues) {
  const Config& config = model_.checkpoint.config;
  constexpr std::int64_t frames = 300, first = 20, last = 250;
  const auto input = [](torch::IntArrayRef shape) { return torch::empty(shape, golden::meta_device); };
  for (const torch::ScalarType precision : {torch::kFloat, torch::kHalf}) {
    const auto synthesizer = make_synthesizer(config, model_.checkpoint.weights, golden::meta_device, precision);
    const torch::Tensor speaker = synthesizer->speaker(golden_speaker),
                        excitation = config.f0 ? input({frames * config.hop()}) : torch::Tensor();
    const Prior prior = synthesizer->encode(input({frames, config.content_dim}), input({frames}));
    const torch::Tensor latent = synthesizer->flow(prior.mean + prior.log_deviation, speaker);
    EXPECT_EQ(synthesizer->decoder().decode_part(latent, excitation, speaker, first, last).size(0), (last - first) * config.hop());
  }
}

TEST(RvcCoarseF0, RoundsAsRvc) {
  const GoldenModel model("v2_40k");
  EXPECT_TRUE(coarse_f0(model.f0()).equal(model.expected.get("coarse").to(torch::kLong)));
}

TEST_P(RvcSynthesizer, NamesTensorsThatDoNotFit) {
  nn::StateDict damaged = model_.checkpoint.weights;
  damaged.erase("enc_p.encoder.attn_layers.1.emb_rel_v");
  damaged["flow.flows.2.enc.in_layers.0.weight"] = torch::zeros({3, 3});
  damaged["surprise"] = torch::zeros({1});
  try {
    make_synthesizer(model_.checkpoint.config, damaged, torch::kCPU, torch::kFloat);
    FAIL() << "nothing was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_model);
    for (const char* name : {"enc_p.encoder.attn_layers.1.emb_rel_v", "flow.flows.2.enc.in_layers.0.weight", "surprise"})
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

TEST_P(RvcSynthesizer, NamesHowManySpeakersThereAre) {
  for (const std::int64_t id : {-1, 3}) {
    try {
      synthesizer_.speaker(id);
      ADD_FAILURE() << "there is a speaker " << id;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find("3"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace voxconv::rvc
