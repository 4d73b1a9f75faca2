// Against the package transformers; made by scripts/goldens/whisper_decoder.py.
#include "eval/whisper_decoder.h"

#include <gtest/gtest.h>

#include "golden.h"
#include "voxconv/error.h"

namespace voxconv::eval {
namespace {

class SmallWhisperDecoder : public testing::Test {
 protected:
  static nn::StateDict tensors() { return golden::open("whisper_decoder").tensors(); }
  std::vector<std::int64_t> tokens() const {
    const torch::Tensor ids = golden_.get("tokens");
    return {ids.const_data_ptr<std::int64_t>(), ids.const_data_ptr<std::int64_t>() + ids.numel()};
  }
  const nn::Safetensors golden_ = golden::open("whisper_decoder");
  const WhisperDecoder decoder_{tensors(), "the golden file", torch::kCPU};
};

TEST_F(SmallWhisperDecoder, EqualsTheReference) {
  WhisperDecoder::State state = decoder_.begin(golden_.get("encoded"));
  EXPECT_LT(golden::relative_error(decoder_.append(state, tokens()), golden_.get("logits")), 1e-5);
}

TEST_F(SmallWhisperDecoder, TokensMayComeOneByOneOrTogether) {
  const std::vector<std::int64_t> all = tokens();
  WhisperDecoder::State state = decoder_.begin(golden_.get("encoded"));
  torch::Tensor logits = decoder_.append(state, {all.begin(), all.begin() + 4});
  for (std::size_t i = 4; i < 8; ++i) logits = torch::cat({logits, decoder_.append(state, {all[i]})});
  logits = torch::cat({logits, decoder_.append(state, {all.begin() + 8, all.end()})});
  EXPECT_LT(golden::relative_error(logits, golden_.get("logits")), 1e-5);
}

TEST_F(SmallWhisperDecoder, TakesNoMoreTokensThanItHasPositions) {
  WhisperDecoder::State state = decoder_.begin(golden_.get("encoded"));
  decoder_.append(state, std::vector<std::int64_t>(16, 5));
  EXPECT_THROW(decoder_.append(state, {5}), Error);
}

TEST_F(SmallWhisperDecoder, OtherTensorsAreRefused) {
  const auto refused = [](const nn::StateDict& changed) { EXPECT_THROW(WhisperDecoder(changed, "the file", torch::kCPU), Error); };
  nn::StateDict changed = tensors();
  changed.erase("decoder/layer_1/ffn/linear_0/weight");
  refused(changed);
  changed = tensors();
  changed["decoder/num_heads"] = torch::tensor(5, torch::kShort);
  refused(changed);
  changed = tensors();
  changed["decoder/layer_0/attention/linear_1/bias"] = torch::zeros({24});
  refused(changed);
  refused({});
}

}  // namespace
}  // namespace voxconv::eval
