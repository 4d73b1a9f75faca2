// The line of an RVC voice on a CUDA device against the CPU, with the tiny models of the golden tests. Skipped where there is none.
#include <gtest/gtest.h>

#include <thread>

#include "../golden/golden.h"
#include "../golden/rvc_golden.h"
#include "features/content/content_encoder.h"
#include "features/pitch/rmvpe.h"
#include "models/rvc/rvc_voice.h"
#include "nn/cuda_graph.h"
#include "nn/device.h"
#include "nn/graph.h"

namespace voxconv::rvc {
namespace {

using golden::relative_error;

constexpr double fp32_error = 1e-3, half_error = 0.018;  // the latter is 35 dB
const torch::Device gpu(torch::kCUDA, 0);

double error(const torch::Tensor& value, const torch::Tensor& reference) { return relative_error(value.cpu(), reference.cpu()); }

struct Precision {
  const char* name;
  torch::ScalarType type;
  double error;
};
constexpr Precision precisions[] = {
    {"fp32", torch::kFloat, fp32_error}, {"bf16", torch::kBFloat16, half_error}, {"fp16", torch::kHalf, half_error}};

class Gpu : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no CUDA device";
    nn::forbid_tf32();
  }
  const torch::NoGradGuard no_grad_;
};

TEST_F(Gpu, ReplaysWhatItWouldCompute) {
  ASSERT_TRUE(nn::cuda_graphs()) << "this LibTorch's CUDA graphs were not found";
  const nn::CudaGraphCache calls(gpu);
  torch::manual_seed(1);
  const torch::Tensor weight = torch::randn({64, 64}, gpu), kernel = torch::randn({8, 1, 5}, gpu);
  int called = 0;
  const auto function = [&](const nn::CudaGraphCache::Tensors& inputs) {
    ++called;
    return nn::CudaGraphCache::Tensors{torch::matmul(inputs[0], weight).relu_(), torch::conv1d(inputs[0].unsqueeze(1), kernel)};
  };
  nn::CudaGraphCache::Tensors kept;
  torch::Tensor first;
  for (int i = 0; i < 6; ++i) {
    const torch::Tensor x = torch::randn({32, 64}, gpu);
    const auto results = calls({x}, {}, function), expected = function({x});
    --called;
    EXPECT_LT(error(results[0], expected[0]), 1e-6) << i;
    EXPECT_LT(error(results[1], expected[1]), 1e-6) << i;
    if (i == 3) kept = results, first = results[0].clone();
  }
  EXPECT_EQ(called, 3) << "the function was not recorded";
  EXPECT_TRUE(torch::equal(kept[0], first)) << "a later replay wrote over a result";
}

TEST_F(Gpu, ReplaysOfSeveralThreadsKeepApart) {
  const nn::CudaGraphCache calls(gpu);
  const torch::Tensor weight = torch::randn({256, 256}, gpu) / 16;
  const auto function = [&](const nn::CudaGraphCache::Tensors& inputs) {
    torch::Tensor x = inputs[0];
    for (int i = 0; i < 20; ++i) x = torch::matmul(x, weight);
    return nn::CudaGraphCache::Tensors{x};
  };
  double worst[4] = {};
  {
    std::vector<std::jthread> threads;
    for (double& mine : worst)
      threads.emplace_back([&] {
        const torch::NoGradGuard guard;
        const nn::OwnStream stream(gpu);
        for (int i = 0; i < 50; ++i) {
          const torch::Tensor x = nn::send(torch::randn({256, 256}), gpu);
          mine = std::max(mine, error(calls({x}, {}, function)[0], function({x})[0]));
        }
      });
  }
  for (const double mine : worst) EXPECT_LT(mine, 1e-5);
}

TEST_F(Gpu, EncodesContentAsTheCpu) {
  const std::string name = VOXCONV_TEST_DATA "/golden/hubert/layer12";
  const auto cpu = load_content_encoder(name, torch::kCPU, torch::kFloat);
  const torch::Tensor windows = torch::stack({golden::clip().slice(0, 0, 20000), golden::clip().slice(0, 30000, 50000)});
  for (const Precision& precision : precisions) {
    const auto encoder = load_content_encoder(name, gpu, precision.type);
    for (int i = 0; i < 4; ++i) {  // the later ones are replayed
      const torch::Tensor together = encoder->encode_windows(windows);
      for (std::int64_t b = 0; b < 2; ++b) {
        const torch::Tensor expected = cpu->encode(windows[b]);
        EXPECT_LT(error(encoder->encode(windows[b]), expected), precision.error) << precision.name << ", call " << i;
        EXPECT_LT(error(together[b], expected), precision.error) << precision.name << ", call " << i;
      }
    }
  }
}

TEST_F(Gpu, EstimatesPitchAsTheCpu) {
  const nn::StateDict weights = golden::open("rmvpe_weights").tensors();
  const Rmvpe cpu(weights, "rmvpe_weights", {10, 3000}, torch::kCPU), estimator(weights, "rmvpe_weights", {10, 3000}, gpu);
  const torch::Tensor windows = torch::stack({golden::clip().slice(0, 8000, 40000), golden::clip().slice(0, 40000, 72000)});
  for (int i = 0; i < 4; ++i)
    for (std::int64_t b = 0; b < 2; ++b) {
      const torch::Tensor expected = cpu.salience(cpu.mel(windows[b]));
      EXPECT_LT(error(estimator.salience(estimator.mel(windows))[b], expected), fp32_error) << i;
      EXPECT_LT(error(estimator.salience(estimator.mel(windows[b])), expected), fp32_error) << i;
    }
}

class GpuVoice : public Gpu, public testing::WithParamInterface<const char*> {
 protected:
  const GoldenModel model_{GetParam()};

  FeatureFrames song(std::int64_t count) const {
    torch::manual_seed(5);
    torch::Tensor f0 = 200 + 60 * torch::sin(torch::arange(count) / 40.0);
    f0.slice(0, 60, 75).zero_();
    return {torch::randn({count, model_.checkpoint.config.content_dim}), f0, torch::zeros({count})};
  }
  std::shared_ptr<const VoiceModel> voice(torch::Device device, torch::ScalarType type) const {
    return make_voice(make_synthesizer(model_.checkpoint.config, model_.checkpoint.weights, device, type));
  }
  static torch::Tensor synthesize(const VoiceModel& voice, const FeatureFrames& frames) {
    return torch::tensor(voice.start({.seed = 3, .speaker = golden_speaker})->push(frames, true));
  }
};
INSTANTIATE_TEST_SUITE_P(Variants, GpuVoice, testing::ValuesIn(golden_models), [](const auto& test) { return std::string(test.param); });

TEST_P(GpuVoice, SingsAsOnTheCpu) {
  const FeatureFrames frames = song(2500);
  const torch::Tensor expected = synthesize(*voice(torch::kCPU, torch::kFloat), frames);
  for (const Precision& precision : precisions) {
    const auto model = voice(gpu, precision.type);
    for (int i = 0; i < 3; ++i) EXPECT_LT(error(synthesize(*model, frames), expected), precision.error) << precision.name << ", song " << i;
  }
}

TEST_P(GpuVoice, SingsTheSameAgain) {
  const FeatureFrames frames = song(1500);
  const auto model = voice(gpu, torch::kHalf);
  const torch::Tensor once = synthesize(*model, frames);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(torch::equal(synthesize(*model, frames), once)) << "song " << i;
}

TEST_P(GpuVoice, SingsSeveralSongsAtOnce) {
  const FeatureFrames frames = song(1500);
  const auto model = voice(gpu, torch::kFloat);
  const torch::Tensor once = synthesize(*model, frames);
  torch::Tensor results[4];
  {
    std::vector<std::jthread> threads;
    for (torch::Tensor& result : results)
      threads.emplace_back([&] {
        const nn::OwnStream stream(gpu);
        result = synthesize(*model, frames);
      });
  }
  for (const torch::Tensor& result : results) EXPECT_LT(error(result, once), 1e-5);
}

}  // namespace
}  // namespace voxconv::rvc
