// Against Applio's decoders; made by scripts/goldens/rvc_applio_decoders.py.
#include <gtest/gtest.h>

#include <cmath>

#include "golden.h"
#include "meta_device.h"
#include "models/rvc/decoder.h"
#include "voxconv/error.h"

namespace voxconv::rvc {
namespace {

struct Variant {
  std::string name;
  Config config;
};

Config tiny(Vocoder vocoder, std::vector<std::int64_t> rates, std::vector<std::int64_t> kernels, std::int64_t channels, int sample_rate) {
  Config config;
  config.vocoder = vocoder;
  config.inter_channels = 6;
  config.upsample_rates = std::move(rates);
  config.upsample_kernels = std::move(kernels);
  config.upsample_channels = channels;
  config.sample_rate = sample_rate;
  config.resblock_kernels = {3, 5};
  config.resblock_dilations = vocoder == Vocoder::mrf_hifigan ? std::vector<std::vector<std::int64_t>>{{1, 3}, {1, 2}}
                                                              : std::vector<std::vector<std::int64_t>>{{1, 3, 5}, {1, 2, 4}};
  return config;
}

class ApplioDecoder : public testing::TestWithParam<Variant> {
 protected:
  torch::Tensor tensor(const std::string& name) const { return file_.get(GetParam().name + "." + name); }

  /// The script's formula: tensor `index` in the order of the names.
  nn::StateDict weights() const {
    const std::string prefix = GetParam().name + ".shape.";
    nn::StateDict result;
    for (const std::string& name : file_.names()) {
      if (name.rfind(prefix, 0) != 0) continue;
      const torch::Tensor extents = file_.get(name).to(torch::kLong).contiguous();
      const std::vector<std::int64_t> shape(extents.data_ptr<std::int64_t>(), extents.data_ptr<std::int64_t>() + extents.numel());
      result["dec." + name.substr(prefix.size())] = torch::empty(shape);
    }
    int index = 0;
    for (auto& [name, weight] : result) {
      const std::int64_t count = weight.numel();
      const double fan_in = weight.dim() > 1 ? static_cast<double>(count) / static_cast<double>(weight.size(0)) : 400;
      const torch::Tensor values = torch::sin(torch::arange(1, count + 1, torch::kDouble).square() * 0.61 + index++);
      weight.copy_((values * std::sqrt(1.5 / fan_in)).view(weight.sizes()));
    }
    return result;
  }

  Decoder::Phase start() const {
    const torch::Tensor turns = tensor("start").to(torch::kDouble).contiguous();
    return {turns.data_ptr<double>(), turns.data_ptr<double>() + turns.numel()};
  }

 private:
  nn::Safetensors file_ = golden::open("rvc_decoders");
};

INSTANTIATE_TEST_SUITE_P(Rvc, ApplioDecoder,
                         testing::Values(Variant{"mrf", tiny(Vocoder::mrf_hifigan, {4, 2, 3}, {8, 4, 6}, 32, 2400)},
                                         Variant{"nsf", tiny(Vocoder::hifigan, {4, 2, 3}, {8, 4, 6}, 32, 2400)},
                                         Variant{"refinegan", tiny(Vocoder::refinegan, {3, 2}, {6, 4}, 128, 600)}),
                         [](const auto& variant) { return variant.param.name; });

TEST_P(ApplioDecoder, EqualsTheOriginal) {
  const auto decoder = make_decoder(GetParam().config, weights(), torch::kCPU, torch::kFloat);
  Decoder::Phase phase = start();
  ASSERT_EQ(decoder->partials(), static_cast<std::int64_t>(phase.size()));
  const torch::Tensor excitation = decoder->excite(tensor("f0"), tensor("noise"), phase);
  EXPECT_LT(golden::relative_error(excitation, tensor("excitation")), 1e-5);
  const torch::Tensor audio = decoder->decode(tensor("z"), tensor("excitation"), tensor("speaker"));
  EXPECT_LT(golden::relative_error(audio, tensor("audio")), 1e-5);
}

TEST_P(ApplioDecoder, DecodesPiecesAsTheWhole) {
  const auto decoder = make_decoder(GetParam().config, weights(), torch::kCPU, torch::kFloat);
  const torch::Tensor z = tensor("z"), excitation = tensor("excitation"), whole = tensor("audio");
  const std::int64_t frames = z.size(1), hop = GetParam().config.hop(), context = decoder->context_frames();
  for (std::int64_t first = 0; first < frames; first += 17) {
    const std::int64_t last = std::min<std::int64_t>(first + 17, frames);
    const std::int64_t from = std::max<std::int64_t>(first - context, 0), to = std::min(last + context, frames);
    const torch::Tensor piece = decoder->decode(z.slice(1, from, to), excitation.slice(0, from * hop, to * hop), tensor("speaker"))
                                    .slice(0, (first - from) * hop, (last - from) * hop);
    EXPECT_LT(golden::relative_error(piece, whole.slice(0, first * hop, last * hop)), 1e-5) << "frames " << first << " to " << last;
  }
}

TEST_P(ApplioDecoder, ComputesWithoutWaitingForValues) {
  const auto on_device = [](const torch::Tensor& x) { return x.to(golden::meta_device); };
  for (const torch::ScalarType precision : {torch::kFloat, torch::kHalf}) {
    const auto decoder = make_decoder(GetParam().config, weights(), golden::meta_device, precision);
    const torch::Tensor audio = decoder->decode(on_device(tensor("z")), on_device(tensor("excitation")), on_device(tensor("speaker")));
    EXPECT_EQ(audio.sizes(), tensor("audio").sizes());
  }
}

TEST_P(ApplioDecoder, NamesWhatDoesNotFit) {
  nn::StateDict damaged = weights();
  damaged.erase("dec.cond.bias");
  damaged["dec.surprise"] = torch::zeros({1});
  damaged["dec.conv_post.weight"] = torch::zeros({2, 2});
  try {
    make_decoder(GetParam().config, damaged, torch::kCPU, torch::kFloat);
    FAIL() << "nothing was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_model);
    for (const char* name : {"dec.cond.bias", "dec.surprise", "dec.conv_post.weight"})
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace voxconv::rvc
