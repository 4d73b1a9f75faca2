// Against openai/whisper's front end (as in faster-whisper) and CTranslate2's encoder; made by scripts/goldens/content.py.
#include <gtest/gtest.h>

#include "core/paths.h"
#include "features/content/content_encoder.h"
#include "features/content/whisper_encoder.h"
#include "features/frames.h"
#include "features/mel.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace {

const nn::Safetensors& golden() {
  static const nn::Safetensors file(VOXCONV_TEST_DATA "/golden/content.safetensors");
  return file;
}

/// The clip followed by zeros to Whisper's 30 s.
torch::Tensor padded_audio() {
  const torch::Tensor clip = golden().get("audio").to(torch::kFloat) / 32768;
  return torch::constant_pad_nd(clip, {0, 30 * feature_rate - clip.size(0)});
}

double relative_error(const torch::Tensor& value, const torch::Tensor& reference) {
  return ((value - reference).norm() / reference.norm()).item<double>();
}

TEST(WhisperMel, EqualsTheReference) {
  const torch::Tensor mel = whisper_normalise(MelSpectrogram(whisper_mel())(padded_audio()));
  EXPECT_EQ(mel.size(1), 3001);
  const torch::Tensor reference = golden().get("mel");
  EXPECT_LT((mel.slice(1, 0, 500, 10) - reference).abs().max().item<double>(), 1e-4);
}

TEST(WhisperEncoder, EqualsTheReference) {
  const auto encoder = load_content_encoder("whisper-base", torch::kCPU, torch::kFloat);
  const torch::Tensor encoded = encoder->encode(padded_audio());
  ASSERT_EQ(encoded.sizes(), torch::IntArrayRef({3001, 512}));
  const torch::Tensor reference = golden().get("encoded");
  EXPECT_LT(relative_error(encoded.slice(0, 0, 3000, 50), reference), 1e-3);
}

TEST(WhisperEncoder, Bfloat16StaysNear) {
  const auto encoder = load_content_encoder("whisper-base", torch::kCPU, torch::kBFloat16);
  EXPECT_LT(relative_error(encoder->encode(padded_audio()).slice(0, 0, 3000, 50), golden().get("encoded")), 0.05);
}

}  // namespace
}  // namespace voxconv
