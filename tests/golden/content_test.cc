// Against openai/whisper's front end (as in faster-whisper) and CTranslate2's encoder; made by scripts/goldens/content.py.
#include <gtest/gtest.h>

#include "features/content/content_encoder.h"
#include "features/content/whisper_encoder.h"
#include "features/frames.h"
#include "features/mel.h"
#include "golden.h"

namespace voxconv {
namespace {

/// The clip followed by zeros to Whisper's 30 s.
torch::Tensor padded_audio() {
  const torch::Tensor clip = golden::clip();
  return torch::constant_pad_nd(clip, {0, 30 * feature_rate - clip.size(0)});
}

TEST(WhisperMel, EqualsTheReference) {
  const torch::Tensor mel = whisper_normalise(MelSpectrogram(whisper_mel())(padded_audio()));
  EXPECT_EQ(mel.size(1), 3001);
  const torch::Tensor reference = golden::open("content").get("mel");
  EXPECT_LT((mel.slice(1, 0, 500, 10) - reference).abs().max().item<double>(), 1e-4);
}

TEST(WhisperEncoder, EqualsTheReference) {
  const auto encoder = load_content_encoder("whisper-base", torch::kCPU, torch::kFloat);
  const torch::Tensor encoded = encoder->encode(padded_audio());
  ASSERT_EQ(encoded.sizes(), torch::IntArrayRef({3001, 512}));
  const torch::Tensor reference = golden::open("content").get("encoded");
  EXPECT_LT(golden::relative_error(encoded.slice(0, 0, 3000, 50), reference), 1e-3);
}

TEST(WhisperEncoder, Bfloat16StaysNear) {
  const auto encoder = load_content_encoder("whisper-base", torch::kCPU, torch::kBFloat16);
  EXPECT_LT(golden::relative_error(encoder->encode(padded_audio()).slice(0, 0, 3000, 50), golden::open("content").get("encoded")), 0.05);
}

}  // namespace
}  // namespace voxconv
