#include "models/separation/htdemucs/cross_transformer.h"

#include <cmath>

#include "models/separation/htdemucs/layers.h"

namespace voxconv::htdemucs {
namespace {

constexpr double token_norm_epsilon = 1e-5;

/// [length, dim]: cosines of each position in the first half of the features, sines in the second.
torch::Tensor sound_positions(std::int64_t length, std::int64_t dim, double max_period) {
  const std::int64_t half = dim / 2;
  const torch::Tensor periods = torch::pow(max_period, torch::arange(half, torch::kFloat) / double(half - 1));
  const torch::Tensor phase = torch::arange(length, torch::kFloat).unsqueeze(1) / periods;
  return torch::cat({phase.cos(), phase.sin()}, 1);
}

/// [rows * frames, dim]: sines and cosines in turn, of the frame in the first half of the features, of the row in the second.
torch::Tensor spectrogram_positions(std::int64_t rows, std::int64_t frames, std::int64_t dim, double max_period) {
  const std::int64_t half = dim / 2;
  const torch::Tensor speeds = torch::exp(torch::arange(0, half, 2, torch::kFloat) * (-std::log(max_period) / double(half)));
  const auto waves = [&](std::int64_t count) {
    const torch::Tensor phase = torch::arange(count, torch::kFloat).unsqueeze(1) * speeds;
    return torch::stack({phase.sin(), phase.cos()}, 2).flatten(1);  // [count, half]
  };
  return torch::cat({waves(frames).unsqueeze(0).expand({rows, frames, half}), waves(rows).unsqueeze(1).expand({rows, frames, half})}, 2)
      .flatten(0, 1);
}

}  // namespace

CrossTransformer::CrossTransformer(nn::TensorReader& reader, const Config& config, std::int64_t sound_length, Arithmetic arithmetic)
    : config_(config.transformer), widened_(config.bottom_channels > 0) {
  const torch::NoGradGuard guard;
  const auto weighted = [&](const torch::Tensor& positions) { return (positions * config_.position_weight).to(arithmetic.device); };
  spectrogram_ =
      read_side(reader, config, false,
                weighted(spectrogram_positions(config.rows(config.depth), config.frames(), config_.dim, config_.max_period)), arithmetic);
  sound_ = read_side(reader, config, true, weighted(sound_positions(sound_length, config_.dim, config_.max_period)), arithmetic);
}

CrossTransformer::Side CrossTransformer::read_side(nn::TensorReader& reader, const Config& config, bool sound, torch::Tensor positions,
                                                   Arithmetic arithmetic) const {
  const std::string ending = sound ? "_t" : "", all = "crosstransformer.";
  const std::int64_t dim = config_.dim, outer = config.channels.back(), hidden = config_.hidden;
  const auto norm = [&](const std::string& name) {
    const auto take = [&](const char* part) { return reader.take(name + part, {dim}).to(arithmetic.device, torch::kFloat); };
    return Norm{take(".weight"), take(".bias")};
  };
  const auto pack = [&](const torch::Tensor& weight, const torch::Tensor& bias, nn::Activation activation = nn::Activation::none) {
    return nn::PackedLinear(weight, bias, arithmetic.device, arithmetic.type, activation);
  };
  Side side;
  side.positions = std::move(positions);
  if (widened_) {
    const auto sampler = [&](const std::string& name, std::int64_t in, std::int64_t out) {
      return pack(reader.take(name + ending + ".weight", {out, in, 1}).squeeze(2), reader.take(name + ending + ".bias", {out}));
    };
    side.widen = sampler("channel_upsampler", outer, dim);
    side.narrow = sampler("channel_downsampler", dim, outer);
  }
  side.in = norm(all + "norm_in" + ending);
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    const std::string name = all + "layers" + ending + "." + std::to_string(i) + ".";
    const bool cross = crosses(std::size_t(i));
    const std::string attention = name + (cross ? "cross_attn" : "self_attn");
    const torch::Tensor in = reader.take(attention + ".in_proj_weight", {3 * dim, dim}),
                        in_bias = reader.take(attention + ".in_proj_bias", {3 * dim});
    Layer& layer = side.layers.emplace_back();
    layer.queries = norm(name + "norm1");
    if (cross) {
      layer.keys = norm(name + "norm2");
      layer.in_queries = pack(in.narrow(0, 0, dim), in_bias.narrow(0, 0, dim));
      layer.in_rest = pack(in.narrow(0, dim, 2 * dim), in_bias.narrow(0, dim, 2 * dim));
    } else {
      layer.in_rest = pack(in, in_bias);
    }
    layer.hidden = norm(name + (cross ? "norm3" : "norm2"));
    layer.out = norm(name + "norm_out");
    // The scale of a residual branch goes into its last layer.
    const auto scaled = [&](const std::string& linear, std::int64_t inputs, const char* gamma) {
      torch::Tensor weight = reader.take(name + linear + ".weight", {dim, inputs}).to(torch::kFloat),
                    bias = reader.take(name + linear + ".bias", {dim}).to(torch::kFloat);
      if (config_.layer_scale) {
        const torch::Tensor scale = reader.take(name + gamma, {dim}).to(torch::kFloat);
        weight = weight * scale.unsqueeze(1);
        bias = bias * scale;
      }
      return pack(weight, bias);
    };
    layer.out_heads = scaled((cross ? "cross_attn" : "self_attn") + std::string(".out_proj"), dim, "gamma_1.scale");
    layer.up = pack(reader.take(name + "linear1.weight", {hidden, dim}), reader.take(name + "linear1.bias", {hidden}),
                    config_.gelu ? nn::Activation::gelu : nn::Activation::relu);
    layer.down = scaled("linear2", hidden, "gamma_2.scale");
  }
  return side;
}

/// [rows, time, C] -> [tokens, dim].
torch::Tensor CrossTransformer::enter(const Side& side, const torch::Tensor& x) const {
  const torch::Tensor tokens = x.flatten(0, 1), wide = widened_ ? side.widen(tokens) : tokens;
  return torch::layer_norm(wide.to(torch::kFloat), {config_.dim}, side.in.weight, side.in.bias, token_norm_epsilon) + side.positions;
}

/// One layer: x [n, dim] attends to `other` [m, dim], or where that is undefined to itself.
torch::Tensor CrossTransformer::attend(const Layer& layer, const torch::Tensor& x, const torch::Tensor& other) const {
  const std::int64_t dim = config_.dim;
  const auto normed = [&](const torch::Tensor& y, const Norm& norm) {
    return torch::layer_norm(y, {dim}, norm.weight, norm.bias, token_norm_epsilon);
  };
  const torch::Tensor own = normed(x, layer.queries);
  const torch::Tensor rest = layer.in_rest(other.defined() ? normed(other, layer.keys) : own);
  const std::int64_t first = other.defined() ? 0 : dim;  // of the keys
  const auto heads = [&](const torch::Tensor& y) {
    return y.unflatten(1, {config_.heads, dim / config_.heads}).transpose(0, 1).unsqueeze(0);
  };
  const torch::Tensor queries = other.defined() ? layer.in_queries(own) : rest.narrow(1, 0, dim);
  const torch::Tensor found =
      at::scaled_dot_product_attention(heads(queries), heads(rest.narrow(1, first, dim)), heads(rest.narrow(1, first + dim, dim)));
  torch::Tensor y = layer.out_heads.add(found.squeeze(0).transpose(0, 1).flatten(1), x);
  y = layer.down.add(layer.up(normed(y, layer.hidden)), y);
  // Over all tokens and features at once.
  return row_norm(y.unsqueeze(0), layer.out.weight, layer.out.bias).squeeze(0);
}

Branches CrossTransformer::operator()(const Branches& x) const {
  torch::Tensor spectrogram = enter(spectrogram_, x.spectrogram), sound = enter(sound_, x.sound);
  for (std::size_t i = 0; i < spectrogram_.layers.size(); ++i) {
    const torch::Tensor before = spectrogram;
    spectrogram = attend(spectrogram_.layers[i], spectrogram, crosses(i) ? sound : torch::Tensor());
    sound = attend(sound_.layers[i], sound, crosses(i) ? before : torch::Tensor());
  }
  if (widened_) {
    spectrogram = spectrogram_.narrow(spectrogram);
    sound = sound_.narrow(sound);
  }
  return {spectrogram.view({x.spectrogram.size(0), x.spectrogram.size(1), -1}), sound.view({1, x.sound.size(1), -1})};
}

}  // namespace voxconv::htdemucs
