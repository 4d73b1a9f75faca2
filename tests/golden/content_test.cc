// Against openai/whisper's front end (as in faster-whisper) and CTranslate2's encoder; made by scripts/goldens/content.py.
#include <gtest/gtest.h>

#include "core/paths.h"
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

/// The network alone on the clip, every 25th of its 50 frames a second.
torch::Tensor encoded(torch::ScalarType precision) {
  const WhisperEncoder encoder(nn::Safetensors(model_file("content/whisper_base/weights.safetensors")), torch::zeros({0, 512}), torch::kCPU,
                               precision);
  const torch::Tensor mel = whisper_normalise(MelSpectrogram(whisper_mel())(padded_audio()).slice(1, 0, 3000));
  return encoder.encode_mel(mel).slice(0, 0, 1500, 25);
}

TEST(WhisperEncoder, EqualsTheReference) {
  EXPECT_LT(golden::relative_error(encoded(torch::kFloat), golden::open("content").get("encoded")), 1e-3);
}

TEST(WhisperEncoder, Bfloat16StaysNear) {
  EXPECT_LT(golden::relative_error(encoded(torch::kBFloat16), golden::open("content").get("encoded")), 0.05);
}

/// How far two encodings of the same sound differ, against how far it moves by itself.
double disagreement(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / ((a - a.mean(0)).norm() * (b - b.mean(0)).norm()).sqrt()).item<double>();
}

TEST(ContentEncoder, HardlyTellsWhereInItsWindowASoundLies) {
  const auto encoder = load_content_encoder("whisper-base", torch::kCPU, torch::kFloat);
  const torch::Tensor clip = golden::clip();
  const torch::Tensor whole = encoder->encode(clip), late = encoder->encode(clip.slice(0, 2 * feature_rate));
  EXPECT_LT(disagreement(whole.slice(0, 260, 440), late.slice(0, 60, 240)), 0.5);  // 0.99 with the positions left in, 0.46 without
}

}  // namespace
}  // namespace voxconv
