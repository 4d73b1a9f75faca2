#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/rvc/decoder.h"
#include "models/rvc/excitation.h"
#include "models/rvc/layers.h"
#include "models/rvc/tiling.h"
#include "voxconv/error.h"

namespace voxconv::rvc {
namespace {

double relative(const torch::Tensor& a, const torch::Tensor& b) { return ((a - b).norm() / b.norm()).item<double>(); }

Config small_config(bool f0) {
  Config config;
  config.f0 = f0;
  config.inter_channels = 8;
  config.upsample_channels = 64;
  config.upsample_rates = {5, 4, 2};
  config.upsample_kernels = {11, 8, 4};
  config.resblock_kernels = {3, 7};
  config.resblock_dilations = {{1, 3, 5}, {1, 3, 5}};
  config.speaker_dim = 4;
  config.sample_rate = 4000;
  return config;
}

/// Random weights by RVC's names, scaled so that signals keep their size.
nn::StateDict random_weights(const Config& config) {
  torch::manual_seed(11);
  nn::StateDict weights;
  const auto put = [&](const std::string& name, std::vector<std::int64_t> shape, std::int64_t biases) {
    const double fan_in = static_cast<double>(torch::numel(torch::empty(shape))) / static_cast<double>(shape[0]);
    weights["dec." + name + ".weight"] = torch::randn(shape) / std::sqrt(fan_in);
    if (biases > 0) weights["dec." + name + ".bias"] = torch::randn({biases}) * 0.1;
  };
  std::int64_t channels = config.upsample_channels, stride = config.hop();
  put("conv_pre", {channels, config.inter_channels, 7}, channels);
  put("cond", {channels, config.speaker_dim, 1}, channels);
  if (config.f0) put("m_source.l_linear", {1, 1}, 1);
  for (std::size_t i = 0; i < config.upsample_rates.size(); ++i) {
    channels /= 2;
    stride /= config.upsample_rates[i];
    const std::string stage = std::to_string(i);
    put("ups." + stage, {channels * 2, channels, config.upsample_kernels[i]}, channels);
    if (config.f0) put("noise_convs." + stage, {channels, 1, stride == 1 ? 1 : 2 * stride}, channels);
    for (std::size_t j = 0; j < config.resblock_kernels.size(); ++j)
      for (std::size_t k = 0; k < config.resblock_dilations[j].size(); ++k)
        for (const char* convs : {".convs1.", ".convs2."}) {
          const std::string block = std::to_string(i * config.resblock_kernels.size() + j);
          put("resblocks." + block + convs + std::to_string(k), {channels, channels, config.resblock_kernels[j]}, channels);
        }
  }
  put("conv_post", {1, channels, 7}, 0);
  return weights;
}

/// HiFi-GAN as it is written down, layer by layer over the whole signal.
torch::Tensor plain_hifigan(const Config& config, const nn::StateDict& weights, const torch::Tensor& z, const torch::Tensor& excitation,
                            const torch::Tensor& speaker) {
  const auto weight = [&](const std::string& name) { return weights.at("dec." + name + ".weight"); };
  const auto bias = [&](const std::string& name) { return weights.at("dec." + name + ".bias"); };
  torch::Tensor x = torch::conv1d(z.unsqueeze(0), weight("conv_pre"), bias("conv_pre"), 1, 3) +
                    torch::conv1d(speaker.view({1, -1, 1}), weight("cond"), bias("cond"));
  std::int64_t stride = config.hop();
  for (std::size_t i = 0; i < config.upsample_rates.size(); ++i) {
    const std::string stage = std::to_string(i);
    const std::int64_t rate = config.upsample_rates[i];
    stride /= rate;
    x = torch::conv_transpose1d(torch::leaky_relu(x, 0.1), weight("ups." + stage), bias("ups." + stage), rate,
                                (config.upsample_kernels[i] - rate) / 2);
    if (config.f0)
      x = x + torch::conv1d(excitation.view({1, 1, -1}), weight("noise_convs." + stage), bias("noise_convs." + stage), stride, stride / 2);
    torch::Tensor sum = torch::zeros_like(x);
    for (std::size_t j = 0; j < config.resblock_kernels.size(); ++j) {
      torch::Tensor y = x;
      const std::string block = "resblocks." + std::to_string(i * config.resblock_kernels.size() + j);
      for (std::size_t k = 0; k < config.resblock_dilations[j].size(); ++k) {
        const std::int64_t dilation = config.resblock_dilations[j][k], half = (config.resblock_kernels[j] - 1) / 2;
        const std::string first = block + ".convs1." + std::to_string(k), second = block + ".convs2." + std::to_string(k);
        const torch::Tensor inner = torch::conv1d(torch::leaky_relu(y, 0.1), weight(first), bias(first), 1, half * dilation, dilation);
        y = y + torch::conv1d(torch::leaky_relu(inner, 0.1), weight(second), bias(second), 1, half);
      }
      sum = sum + y;
    }
    x = sum / static_cast<double>(config.resblock_kernels.size());
  }
  return torch::tanh(torch::conv1d(torch::leaky_relu(x, 0.01), weight("conv_post"), {}, 1, 3)).view({-1});
}

class HifiGanDecoder : public testing::TestWithParam<bool> {
 protected:
  const Config config_ = small_config(GetParam());
  const nn::StateDict weights_ = random_weights(config_);
  const torch::Tensor speaker_ = torch::randn({config_.speaker_dim});

  /// Latent frames and their excitation.
  std::pair<torch::Tensor, torch::Tensor> input(std::int64_t frames) const {
    torch::manual_seed(12);
    return {torch::randn({config_.inter_channels, frames}), config_.f0 ? torch::randn({frames * config_.hop()}) * 0.1 : torch::Tensor()};
  }
};
INSTANTIATE_TEST_SUITE_P(Rvc, HifiGanDecoder, testing::Bool(), [](const auto& f0) { return f0.param ? "WithPitch" : "WithoutPitch"; });

TEST_P(HifiGanDecoder, EqualsThePlainNetwork) {
  const auto decoder = make_decoder(config_, weights_, torch::kCPU, torch::kFloat);
  EXPECT_EQ(decoder->partials(), GetParam() ? 1 : 0);
  // Shorter than what a frame depends on, shorter than a block, several blocks with a rest.
  for (const std::int64_t frames : {1, 3, 40, 1033}) {
    const auto [z, excitation] = input(frames);
    const torch::Tensor audio = decoder->decode(z, excitation, speaker_);
    ASSERT_EQ(audio.sizes(), torch::IntArrayRef({frames * config_.hop()}));
    EXPECT_LT(relative(audio, plain_hifigan(config_, weights_, z, excitation, speaker_)), 1e-5) << frames << " frames";
  }
}

TEST_P(HifiGanDecoder, DependsOnNothingBeyondItsContext) {
  const auto decoder = make_decoder(config_, weights_, torch::kCPU, torch::kFloat);
  const std::int64_t frames = 90, first = 40, last = 50, context = decoder->context_frames(), hop = config_.hop();
  ASSERT_GT(first, context);
  const auto [z, excitation] = input(frames);
  const torch::Tensor whole = decoder->decode(z, excitation, speaker_).slice(0, first * hop, last * hop);
  const auto with_context = [&](std::int64_t around) {
    const std::int64_t from = first - around, to = last + around;
    const torch::Tensor part = excitation.defined() ? excitation.slice(0, from * hop, to * hop) : torch::Tensor();
    return decoder->decode(z.slice(1, from, to), part, speaker_).slice(0, around * hop, (around + last - first) * hop);
  };
  EXPECT_LT(relative(with_context(context), whole), 1e-5);
  EXPECT_GT(relative(with_context(context / 2), whole), 1e-5);
}

/// Half precision goes the way of a GPU, layer by layer, on the CPU too.
TEST_P(HifiGanDecoder, ComesCloseInHalfPrecision) {
  const auto [z, excitation] = input(200);
  const torch::Tensor exact = make_decoder(config_, weights_, torch::kCPU, torch::kFloat)->decode(z, excitation, speaker_);
  for (const auto& [type, most] : {std::pair{torch::kBFloat16, 0.018}, {torch::kHalf, 0.0018}}) {  // 35 and 55 dB
    const torch::Tensor close = make_decoder(config_, weights_, torch::kCPU, type)->decode(z, excitation, speaker_);
    EXPECT_EQ(close.scalar_type(), torch::kFloat);
    EXPECT_LT(relative(close, exact), most) << type;
  }
}

TEST(Tiling, CutsForTheCachesOfACpuOnly) {
  const Span minutes{7, 7 + 60 * 40000};
  int tiles = 0;
  const auto compute = [&](Span span) {
    ++tiles;
    return torch::arange(span.begin, span.end, torch::kDouble).view({1, 1, 1, -1});
  };
  const auto gpu = in_tiles(minutes, tile_samples(32, torch::kCUDA, torch::kHalf), compute);
  EXPECT_EQ(tiles, 1);
  tiles = 0;
  torch::set_num_threads(1);
  const auto cpu = in_tiles(minutes, tile_samples(32, torch::kCPU, torch::kFloat), compute);
  EXPECT_GT(tiles, 100);
  EXPECT_TRUE(torch::equal(gpu.x, cpu.x));
}

TEST(RvcDecoder, RefusesShapesItCannotHave) {
  const auto expect = [](const Config& config, const nn::StateDict& weights, const char* reason) {
    EXPECT_THAT([&] { make_decoder(config, weights, torch::kCPU, torch::kFloat); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(reason)));
  };
  Config even = small_config(true);
  even.resblock_kernels = {4, 7};
  expect(even, {}, "even size");
  Config silent = small_config(false);
  silent.vocoder = Vocoder::refinegan;
  expect(silent, {}, "no pitch");
  Config wide = small_config(true);
  wide.vocoder = Vocoder::refinegan;
  wide.speaker_dim = 256;
  wide.upsample_channels = 512;
  expect(wide, {}, "512 channels in 3 stages");
  Config odd = small_config(true);  // its second stage is followed by another of 3 samples: the excitation's kernel may have 5 or 6
  odd.upsample_rates = {5, 4, 3};
  odd.upsample_kernels = {11, 8, 6};
  nn::StateDict weights = random_weights(odd);
  for (const std::int64_t kernel : {0, 7}) {
    weights["dec.noise_convs.1.weight"] = torch::zeros({16, 1, kernel});
    expect(odd, weights, "over its excitation");
  }
}

TEST(Upsampler, EqualsTheTransposedConvolution) {
  torch::manual_seed(13);
  for (const auto& [rate, kernel] : {std::pair<std::int64_t, std::int64_t>{10, 16}, {2, 4}, {12, 24}, {3, 6}, {4, 4}}) {
    const torch::Tensor weight = torch::randn({6, 5, kernel}), bias = torch::randn({5}), x = torch::randn({20, 6});
    const std::int64_t padding = (kernel - rate + 1) / 2;
    const torch::Tensor expected = torch::conv_transpose1d(x.t().unsqueeze(0), weight, bias, rate, padding, 2 * padding - kernel + rate);
    ASSERT_EQ(expected.size(2), 20 * rate);
    const Upsampler up(weight, bias, rate, torch::kCPU, torch::kFloat);
    for (const Span span : {Span{0, 20 * rate}, Span{7, 8}, Span{3 * rate + 1, 17 * rate - 1}}) {
      const Piece y = up({image_of(x), 0}, 20, span, {});
      EXPECT_LT(relative(cut(y, span, 20 * rate).squeeze(2), expected.slice(2, span.begin, span.end)), 1e-5) << rate << " of " << kernel;
    }
  }
}

TEST(Excitation, FollowsThePhaseOfTheOriginal) {
  constexpr std::int64_t hop = 400, frames = 50;
  torch::manual_seed(14);
  torch::Tensor f0 = torch::linspace(220, 370, frames);
  f0.slice(0, 20, 25).zero_();
  const torch::Tensor noise = torch::randn({frames * hop, 3}), weight = torch::tensor({{0.7, -0.4, 0.2}});
  const Excitation source(weight, torch::tensor({0.01}), 40000, hop, Excitation::Pitch::held);
  // sin of the running sum in double.
  const torch::Tensor pitch = f0.repeat_interleave(hop).unsqueeze(1), voiced = (pitch > 0).to(torch::kFloat);
  const torch::Tensor multiples = torch::tensor({1.0F, 2.0F, 3.0F});
  const torch::Tensor turns = (pitch * multiples / 40000).to(torch::kDouble).cumsum(0) + torch::tensor({0.0, 0.3, 0.8}, torch::kDouble);
  const torch::Tensor sines = (turns * (2 * M_PI)).sin().to(torch::kFloat) * 0.1 * voiced;
  const torch::Tensor mixed = sines + noise * (voiced * 0.003 + (1 - voiced) * (0.1 / 3));
  const torch::Tensor expected = (torch::matmul(mixed, weight.t()).squeeze(1) + 0.01).tanh();

  Decoder::Phase phase = {0.0, 0.3, 0.8};
  EXPECT_LT((source(f0, noise, phase) - expected).abs().max().item<double>(), 1e-6);

  Decoder::Phase running = {0.0, 0.3, 0.8};
  const torch::Tensor first = source(f0.slice(0, 0, 22), noise.slice(0, 0, 22 * hop), running);
  const torch::Tensor second = source(f0.slice(0, 22), noise.slice(0, 22 * hop), running);
  EXPECT_LT((torch::cat({first, second}) - expected).abs().max().item<double>(), 1e-6);
}

TEST(Excitation, WantsNoiseForEverySample) {
  const Excitation source(torch::ones({1, 1}), {}, 40000, 400, Excitation::Pitch::held);
  Decoder::Phase phase;
  EXPECT_THROW(source(torch::ones({3}), torch::ones({3 * 400 - 1, 1}), phase), Error);
}

}  // namespace
}  // namespace voxconv::rvc
