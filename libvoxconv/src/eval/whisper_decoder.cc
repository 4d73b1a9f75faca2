#include "eval/whisper_decoder.h"

#include "core/fail.h"
#include "nn/linear.h"
#include "nn/tensor_reader.h"

namespace voxconv::eval {
namespace {

torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return torch::layer_norm(x, {x.size(-1)}, weight, bias, 1e-5);
}

/// Queries [heads, n, head] over keys and values [heads, m, head] -> [n, heads * head]. The last query stands at the last key; `causal`:
/// those before it see as many keys fewer.
torch::Tensor attend(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& values, bool causal) {
  const std::int64_t n = queries.size(1), m = keys.size(1);
  std::optional<torch::Tensor> mask;
  if (causal && n > 1) mask = torch::ones({n, m}, queries.options().dtype(torch::kBool)).tril(m - n);
  return at::scaled_dot_product_attention(queries.unsqueeze(0), keys.unsqueeze(0), values.unsqueeze(0), mask)
      .squeeze(0)
      .transpose(0, 1)
      .reshape({n, -1});
}

}  // namespace

WhisperDecoder::WhisperDecoder(const nn::StateDict& tensors, const std::string& source, torch::Device device) : device_(device) {
  const auto found = tensors.find("decoder/embeddings/weight"), heads = tensors.find("decoder/num_heads");
  if (found == tensors.end() || found->second.dim() != 2 || heads == tensors.end() || heads->second.numel() != 1)
    fail(ErrorCode::bad_model, "{} holds no Whisper decoder; expected CTranslate2's model.bin of one.", source);
  const std::int64_t d = found->second.size(1);
  heads_ = heads->second.to(torch::kLong).item<std::int64_t>();
  if (heads_ < 1 || d < 1 || d % heads_ != 0)
    fail(ErrorCode::bad_model, "{} holds no Whisper decoder: {} numbers cannot be shared out to {} heads.", source, d, heads_);

  nn::TensorReader reader(tensors, source, "decoder/");
  const auto take = [&](const std::string& name, torch::IntArrayRef shape) {
    return reader.take(name, shape).to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    return Affine{take(name + "/weight", {out, in}), take(name + "/bias", {out})};
  };
  const auto affine = [&](const std::string& name) {
    return Affine{take(name + "/layer_norm/gamma", {d}), take(name + "/layer_norm/beta", {d})};
  };
  embeddings_ = take("embeddings/weight", {-1, d});
  positions_ = take("position_encodings/encodings", {-1, d});
  final_norm_ = {take("layer_norm/gamma", {d}), take("layer_norm/beta", {d})};
  for (int i = 0; reader.has("layer_" + std::to_string(i) + "/self_attention/linear_0/weight"); ++i) {
    const std::string layer = "layer_" + std::to_string(i), self = layer + "/self_attention", cross = layer + "/attention",
                      ffn = layer + "/ffn";
    layers_.push_back({affine(self), linear(self + "/linear_0", 3 * d, d), linear(self + "/linear_1", d, d), affine(cross),
                       linear(cross + "/linear_0", d, d), linear(cross + "/linear_1", 2 * d, d), linear(cross + "/linear_2", d, d),
                       affine(ffn), linear(ffn + "/linear_0", 4 * d, d), linear(ffn + "/linear_1", d, 4 * d)});
  }
  for (const char* setting :
       {"activation", "alibi", "alignment_", "num_heads", "pre_norm", "projection/weight", "scale_embeddings", "start_from_zero_embedding"})
    reader.ignore(setting);
  reader.finish();
  if (layers_.empty()) fail(ErrorCode::bad_model, "{} holds no Whisper decoder: it has no layers.", source);
}

/// [n, dim] -> [heads, n, head].
torch::Tensor WhisperDecoder::split_heads(const torch::Tensor& x) const {
  return x.view({x.size(0), heads_, x.size(1) / heads_}).transpose(0, 1);
}

WhisperDecoder::State WhisperDecoder::begin(const torch::Tensor& encoded) const {
  const torch::NoGradGuard guard;
  if (encoded.dim() != 2 || encoded.size(1) != dim())
    fail(ErrorCode::internal, "WhisperDecoder: expected [T, {}] of the encoder, got {} dimensions.", dim(), encoded.dim());
  State state;
  const torch::Tensor sound = encoded.to(device_, torch::kFloat);
  for (const Layer& layer : layers_) {
    const auto parts = nn::linear(sound, layer.sound_kv.weight, layer.sound_kv.bias).chunk(2, 1);
    state.layers_.push_back({split_heads(parts[0]), split_heads(parts[1]), {}, {}});
  }
  return state;
}

torch::Tensor WhisperDecoder::append(State& state, const std::vector<std::int64_t>& tokens) const {
  const torch::NoGradGuard guard;
  const auto count = static_cast<std::int64_t>(tokens.size());
  if (count == 0 || state.length_ + count > most_tokens())
    fail(ErrorCode::internal, "WhisperDecoder: {} tokens cannot follow {}; it takes {}.", count, state.length_, most_tokens());
  const torch::Tensor ids = torch::tensor(tokens, torch::kLong).to(device_);
  torch::Tensor x = torch::embedding(embeddings_, ids) + positions_.slice(0, state.length_, state.length_ + count);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    State::Memory& memory = state.layers_[i];
    const auto qkv = torch::linear(norm(x, layer.self_norm.weight, layer.self_norm.bias), layer.qkv.weight, layer.qkv.bias).chunk(3, 1);
    const auto grow = [&](torch::Tensor& past, const torch::Tensor& next) {
      past = past.defined() ? torch::cat({past, split_heads(next)}, 1) : split_heads(next);
    };
    grow(memory.keys, qkv[1]);
    grow(memory.values, qkv[2]);
    x += torch::linear(attend(split_heads(qkv[0]), memory.keys, memory.values, true), layer.self_out.weight, layer.self_out.bias);
    const torch::Tensor query =
        torch::linear(norm(x, layer.cross_norm.weight, layer.cross_norm.bias), layer.query.weight, layer.query.bias);
    x += torch::linear(attend(split_heads(query), memory.sound_keys, memory.sound_values, false), layer.cross_out.weight,
                       layer.cross_out.bias);
    const torch::Tensor inner = torch::linear(norm(x, layer.ffn_norm.weight, layer.ffn_norm.bias), layer.ffn_in.weight, layer.ffn_in.bias);
    x += torch::linear(torch::gelu(inner), layer.ffn_out.weight, layer.ffn_out.bias);
  }
  state.length_ += count;
  return torch::matmul(norm(x, final_norm_.weight, final_norm_.bias), embeddings_.t());
}

}  // namespace voxconv::eval
