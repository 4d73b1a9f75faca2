// Against DeepFilterNet3's own ONNX networks, and its authors' code around them; made by scripts/goldens/deepfilternet.py.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "core/paths.h"
#include "golden.h"
#include "models/denoise/denoiser.h"
#include "voxconv/audio_io.h"

namespace voxconv {
namespace {

constexpr double layer_tolerance = 1e-4;  // the weights are the same: rounded to fp16
constexpr double clip_tolerance = 1e-3;   // the original's weights are fp32

nn::Safetensors original() { return golden::open("deepfilternet"); }

TEST(DeepFilterNet, NetworksEqualTheReference) {
  const torch::NoGradGuard guard;
  const Denoiser denoiser(torch::kCPU);
  const deepfilternet::Network& network = denoiser.network();
  auto state = network.start();
  const auto encoded = network.encode(original().get("erb"), original().get("low"), state);
  const auto expect_equal = [](const torch::Tensor& value, const std::string& name) {
    const torch::Tensor expected = original().get(name);
    EXPECT_LT(golden::relative_error(value.reshape(expected.sizes()), expected), layer_tolerance) << name;
  };
  for (std::size_t i = 0; i < encoded.erb.size(); ++i) expect_equal(encoded.erb[i], std::string(1, 'e') + std::to_string(i));
  expect_equal(encoded.low.slice(1, 0, torch::nullopt, 4), "c0");
  expect_equal(encoded.embedding, "emb");
  expect_equal(network.mask(encoded, state), "m");
  expect_equal(network.filter(encoded, state), "coefs");
}

TEST(DeepFilterNet, BlocksOfFramesGiveWhatTheWholeGives) {
  const torch::NoGradGuard guard;
  const Denoiser denoiser(torch::kCPU);
  const deepfilternet::Network& network = denoiser.network();
  auto state = network.start();
  std::vector<torch::Tensor> masks, filters;
  for (const auto& [from, to] : {std::pair(0, 1), std::pair(1, 3), std::pair(3, 9)}) {
    const auto encoded = network.encode(original().get("erb").slice(0, from, to), original().get("low").slice(1, from, to), state);
    masks.push_back(network.mask(encoded, state));
    filters.push_back(network.filter(encoded, state));
  }
  EXPECT_LT(golden::relative_error(torch::cat(masks), original().get("m").view({9, 32})), layer_tolerance);
  EXPECT_LT(golden::relative_error(torch::cat(filters), original().get("coefs").view({9, 96, 5, 2})), layer_tolerance);
}

/// The clip of the script: half a second of nothing, then the song in white noise, taken for 48 kHz.
std::vector<float> noisy_clip() {
  const AudioBuffer song = read_all(*open_reader(VOXCONV_TEST_DATA "/song.flac"));
  std::vector<float> audio(24000);
  audio.insert(audio.end(), song.channels[0].begin(), song.channels[0].end());
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < audio.size(); ++i) {
    const auto noise = float(2 * double(random()) / 2147483647 - 1);
    if (i >= 24000) audio[i] += 0.03f * noise;
  }
  return audio;
}

TEST(DeepFilterNet, AWholeClipEqualsTheReference) {
  const std::vector<float> audio = noisy_clip();
  DenoiseStream stream(std::make_shared<const Denoiser>(torch::kCPU));
  std::vector<float> result = stream.push(audio);
  const std::vector<float> rest = stream.finish();
  result.insert(result.end(), rest.begin(), rest.end());
  ASSERT_EQ(result.size(), audio.size());
  const torch::Tensor places = original().get("places"), expected = original().get("enhanced");
  const torch::Tensor whole = torch::tensor(at::ArrayRef<float>(result));
  std::vector<torch::Tensor> pieces;
  for (std::int64_t i = 0; i < places.size(0); ++i) pieces.push_back(whole.narrow(0, places[i].item<std::int64_t>(), expected.size(1)));
  EXPECT_LT(golden::relative_error(torch::stack(pieces), expected), clip_tolerance);
}

}  // namespace
}  // namespace voxconv
