#include "features/content/whisper_encoder.h"

#include "core/fail.h"
#include "features/frames.h"
#include "nn/finite.h"

namespace voxconv {
namespace {

constexpr std::int64_t head_dim = 64;
constexpr std::int64_t layer_count = 6;
constexpr std::int64_t max_samples = 30 * feature_rate;

/// [T, D] at half the clock -> [frames, D]: odd frames are the mean of their neighbours, the last one repeats.
torch::Tensor to_frame_clock(const torch::Tensor& x, std::int64_t frames) {
  const torch::Tensor next = torch::cat({x.slice(0, 1), x.slice(0, -1)});
  torch::Tensor doubled = torch::stack({x, (x + next) / 2}, 1).flatten(0, 1);
  if (doubled.size(0) < frames) doubled = torch::cat({doubled, x.slice(0, -1).expand({frames - doubled.size(0), -1})});
  return doubled.slice(0, 0, frames);
}

}  // namespace

WhisperEncoder::WhisperEncoder(const nn::Safetensors& weights, const torch::Tensor& position_basis, torch::Device device,
                               torch::ScalarType precision)
    : device_(device),
      precision_(precision),
      mel_(whisper_mel(), device),
      position_basis_(position_basis.to(device, torch::kFloat, false, true)) {
  const auto get = [&](const std::string& name) {
    return nn::finite_weight(weights, name).to(device, precision, /*non_blocking=*/false, /*copy=*/true);
  };
  const auto affine = [&](const std::string& name) { return Affine{get(name + ".weight"), get(name + ".bias")}; };
  bool fits = true;
  const auto linear = [&](const std::string& name, torch::IntArrayRef shape, nn::Activation activation = nn::Activation::none) {
    const Affine layer = affine(name);
    fits = fits && layer.weight.sizes() == shape && layer.bias.sizes() == shape.slice(0, 1);
    return fits ? nn::PackedLinear(layer.weight, layer.bias, device, precision, activation) : nn::PackedLinear();
  };
  conv1_ = affine("conv1");
  conv2_ = affine("conv2");
  final_norm_ = affine("final_norm");
  positions_ = get("positions");
  const std::int64_t d = conv1_.weight.size(0);
  for (std::int64_t i = 0; i < layer_count; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    layers_.push_back({affine(prefix + "attention_norm"), affine(prefix + "ffn_norm"), linear(prefix + "qkv", {3 * d, d}),
                       linear(prefix + "attention_out", {d, d}), linear(prefix + "ffn_in", {4 * d, d}, nn::Activation::gelu),
                       linear(prefix + "ffn_out", {d, 4 * d})});
  }
  fits = fits && d % head_dim == 0 && conv1_.weight.sizes() == torch::IntArrayRef({d, 80, 3}) &&
         conv2_.weight.sizes() == torch::IntArrayRef({d, d, 3}) && positions_.sizes() == torch::IntArrayRef({1500, d}) &&
         position_basis_.dim() == 2 && position_basis_.size(1) == d;
  if (!fits) fail(ErrorCode::bad_model, "{} does not hold a Whisper encoder: the tensor shapes do not fit each other.", weights.path());
}

torch::Tensor WhisperEncoder::norm(const torch::Tensor& x, const Affine& affine) const {
  return torch::layer_norm(x, {x.size(-1)}, affine.weight, affine.bias, 1e-5);
}

torch::Tensor WhisperEncoder::attend(const Layer& layer, const torch::Tensor& x) const {
  const std::int64_t t = x.size(0), d = x.size(1);
  // [T, 3 D] -> [3, 1, heads, T, 64]
  const torch::Tensor qkv = layer.qkv(x).view({t, 3, 1, d / head_dim, head_dim}).permute({1, 2, 3, 0, 4});
  const torch::Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return layer.attention_out(y.squeeze(0).transpose(0, 1).reshape({t, d}));
}

torch::Tensor WhisperEncoder::encode_mel(const torch::Tensor& mel) const {
  const torch::NoGradGuard guard;
  torch::Tensor x = mel.to(device_, precision_).unsqueeze(0);
  x = torch::gelu(torch::conv1d(x, conv1_.weight, conv1_.bias, 1, 1));
  x = torch::gelu(torch::conv1d(x, conv2_.weight, conv2_.bias, 2, 1));
  x = x.squeeze(0).transpose(0, 1).contiguous();
  if (x.size(0) > positions_.size(0))
    fail(ErrorCode::internal, "WhisperEncoder: {} mel frames are more than the {} it takes.", mel.size(1), 2 * positions_.size(0));
  x += positions_.slice(0, 0, x.size(0));
  for (const Layer& layer : layers_) {
    x += attend(layer, norm(x, layer.attention_norm));
    x += layer.ffn_out(layer.ffn_in(norm(x, layer.ffn_norm)));
  }
  return norm(x, final_norm_).to(torch::kFloat);
}

/// At most 30 s [N] -> [n, dim], 50 frames a second.
torch::Tensor WhisperEncoder::encode_window(const torch::Tensor& audio) const {
  torch::Tensor mel = mel_(audio.to(device_, torch::kFloat));
  mel = mel.slice(1, 0, 2 * positions_.size(0));  // a full 30 s has one frame more than positions
  torch::Tensor content = encode_mel(whisper_normalise(mel));
  return content -= torch::matmul(torch::matmul(content, position_basis_.t()), position_basis_);
}

torch::Tensor WhisperEncoder::encode_frames(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  if (audio.dim() != 1 || audio.size(0) < 1)
    fail(ErrorCode::internal, "WhisperEncoder: expected mono audio, got {} samples in {} dimensions.", audio.numel(), audio.dim());
  std::vector<torch::Tensor> pieces;
  for (std::int64_t start = 0; start < audio.size(0); start += max_samples)
    pieces.push_back(encode_window(audio.slice(0, start, std::min(start + max_samples, audio.size(0)))));
  return pieces.size() == 1 ? pieces[0] : torch::cat(pieces);
}

torch::Tensor WhisperEncoder::encode(const torch::Tensor& audio) const {
  if (audio.dim() != 1 || audio.size(0) < 1 || audio.size(0) > max_samples)
    fail(ErrorCode::internal, "WhisperEncoder: expected 1 to {} samples of mono audio, got {} samples in {} dimensions.", max_samples,
         audio.numel(), audio.dim());
  const torch::NoGradGuard guard;
  return to_frame_clock(encode_window(audio), frame_count(audio.size(0)));
}

}  // namespace voxconv
