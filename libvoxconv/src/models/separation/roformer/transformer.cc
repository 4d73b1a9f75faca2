#include "models/separation/roformer/transformer.h"

#include <cmath>

namespace voxconv::roformer {
namespace {

constexpr double least_norm = 1e-12;  // torch's normalize()
constexpr double rotary_base = 10000;
constexpr double linear_attention_scale = 8;

torch::Tensor unit(const torch::Tensor& x) { return x / at::linalg_vector_norm(x, 2, -1, /*keepdim=*/true).clamp_min_(least_norm); }

/// Rows of a head's queries or keys that are rotated together lie side by side in the checkpoints; here all first ones come before all
/// second ones, which changes no product of a query and a key. [heads * head_dim, in]
torch::Tensor halves_apart(const torch::Tensor& rows, std::int64_t heads) {
  return rows.unflatten(0, {heads, -1, 2}).transpose(1, 2).flatten(0, 2);
}

}  // namespace

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& gamma) {
  return unit(x).mul_(gamma * std::sqrt(double(gamma.numel())));
}

NormedLinear::NormedLinear(const torch::Tensor& weight, const torch::Tensor& gamma, const torch::Tensor& bias, Arithmetic arithmetic,
                           nn::Activation activation)
    : linear_(weight.to(torch::kFloat) * gamma.to(torch::kFloat) * std::sqrt(double(gamma.numel())), bias, arithmetic.device,
              arithmetic.type, activation),
      type_(arithmetic.type) {}

torch::Tensor NormedLinear::operator()(const torch::Tensor& x) const { return linear_(unit(x).to(type_)); }

Transformer::Transformer(nn::TensorReader& reader, const std::string& name, AttentionKind kind, std::int64_t depth, std::int64_t positions,
                         const NetworkConfig& config, Arithmetic arithmetic)
    : kind_(kind), heads_(config.heads), head_dim_(config.head_dim), type_(arithmetic.type) {
  const torch::NoGradGuard guard;
  const std::int64_t dim = config.dim, inner = heads_ * head_dim_;
  for (std::int64_t i = 0; i < depth; ++i) {
    const std::string attention = name + ".layers." + std::to_string(i) + ".0.", ff = name + ".layers." + std::to_string(i) + ".1.net.";
    const torch::Tensor gamma = reader.take(attention + "norm.gamma", {dim});
    Layer& layer = layers_.emplace_back();
    if (kind == AttentionKind::rotary) {
      const std::vector<torch::Tensor> qkv = reader.take(attention + "to_qkv.weight", {3 * inner, dim}).to(torch::kFloat).chunk(3);
      const torch::Tensor gates = reader.take(attention + "to_gates.weight", {heads_, dim}).to(torch::kFloat),
                          gate_bias = reader.take(attention + "to_gates.bias", {heads_}).to(torch::kFloat);
      layer.qkv = NormedLinear(torch::cat({halves_apart(qkv[0], heads_), halves_apart(qkv[1], heads_), qkv[2], gates}), gamma,
                               torch::cat({torch::zeros({3 * inner}), gate_bias}), arithmetic);
      torch::Tensor frequencies = reader.take_optional(attention + "rotary_embed.freqs", {head_dim_ / 2});
      if (!frequencies.defined()) frequencies = torch::pow(rotary_base, torch::arange(0, head_dim_, 2, torch::kFloat) / -double(head_dim_));
      const torch::Tensor angles = torch::outer(torch::arange(positions, torch::kFloat), frequencies.to(torch::kFloat)).unsqueeze(1);
      layer.cosines = angles.cos().to(arithmetic.device);
      layer.sines = angles.sin().to(arithmetic.device);
    } else {
      layer.qkv = NormedLinear(reader.take(attention + "to_qkv.0.weight", {3 * inner, dim}), gamma, {}, arithmetic);
      layer.temperature = reader.take(attention + "temperature", {heads_, 1, 1}).to(arithmetic.device, torch::kFloat).exp();
    }
    const std::string out = kind == AttentionKind::rotary ? "to_out.0.weight" : "to_out.1.weight";
    layer.out = nn::PackedLinear(reader.take(attention + out, {dim, inner}), {}, arithmetic.device, arithmetic.type);
    layer.up = NormedLinear(reader.take(ff + "1.weight", {config.ff_dim, dim}), reader.take(ff + "0.gamma", {dim}),
                            reader.take(ff + "1.bias", {config.ff_dim}), arithmetic, nn::Activation::gelu);
    layer.down = nn::PackedLinear(reader.take(ff + "4.weight", {dim, config.ff_dim}), reader.take(ff + "4.bias", {dim}), arithmetic.device,
                                  arithmetic.type);
  }
  if (config.norm_in_blocks) gamma_ = reader.take(name + ".norm.gamma", {dim}).to(arithmetic.device, torch::kFloat);
}

torch::Tensor Transformer::rotary_attention(const Layer& layer, const torch::Tensor& x) const {
  const std::int64_t sequences = x.size(0), tokens = x.size(1), inner = heads_ * head_dim_;
  const torch::Tensor qkv = layer.qkv(x);
  // Queries and keys at once: [sequences, tokens, 2 heads, first or second half, head_dim / 2], written head by head.
  const torch::Tensor pairs = qkv.narrow(2, 0, 2 * inner).view({sequences, tokens, 2 * heads_, 2, head_dim_ / 2});
  const torch::Tensor rotated = torch::empty({sequences, 2 * heads_, tokens, head_dim_}, qkv.options());
  const torch::Tensor target = rotated.view({sequences, 2 * heads_, tokens, 2, head_dim_ / 2}).permute({0, 2, 1, 3, 4});
  const torch::Tensor cosines = layer.cosines.narrow(0, 0, tokens), sines = layer.sines.narrow(0, 0, tokens);
  const torch::Tensor first = pairs.select(3, 0), second = pairs.select(3, 1);
  target.select(3, 0).copy_((first * cosines).addcmul_(second.to(torch::kFloat), sines, -1));
  target.select(3, 1).copy_((second * cosines).addcmul_(first.to(torch::kFloat), sines));
  const torch::Tensor values = qkv.narrow(2, 2 * inner, inner).view({sequences, tokens, heads_, head_dim_}).transpose(1, 2);
  const torch::Tensor gates = qkv.narrow(2, 3 * inner, heads_).sigmoid().unsqueeze(3);
  const torch::Tensor heads = at::scaled_dot_product_attention(rotated.narrow(1, 0, heads_), rotated.narrow(1, heads_, heads_), values);
  return layer.out.add((heads.transpose(1, 2) * gates).reshape({sequences, tokens, inner}), x);
}

torch::Tensor Transformer::linear_attention(const Layer& layer, const torch::Tensor& x) const {
  const std::int64_t sequences = x.size(0), tokens = x.size(1);
  // [3, sequences, heads, head_dim, tokens]
  const torch::Tensor qkv = layer.qkv(x).to(torch::kFloat).view({sequences, tokens, 3, heads_, head_dim_}).permute({2, 0, 3, 4, 1});
  const torch::Tensor queries = unit(qkv[0]) * layer.temperature, keys = unit(qkv[1]);
  const torch::Tensor weights = queries.matmul(keys.transpose(2, 3)).mul_(linear_attention_scale).softmax(-1);
  return layer.out.add(weights.matmul(qkv[2]).permute({0, 3, 1, 2}).reshape({sequences, tokens, heads_ * head_dim_}), x);
}

torch::Tensor Transformer::operator()(torch::Tensor x) const {
  for (const Layer& layer : layers_) {
    x = kind_ == AttentionKind::rotary ? rotary_attention(layer, x) : linear_attention(layer, x);
    x = layer.down.add(layer.up(x), x);
  }
  return gamma_.defined() ? rms_norm(x, gamma_) : x;
}

}  // namespace voxconv::roformer
