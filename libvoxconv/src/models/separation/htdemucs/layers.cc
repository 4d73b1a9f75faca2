#include "models/separation/htdemucs/layers.h"

#include <algorithm>

namespace voxconv::htdemucs {
namespace {

constexpr double norm_epsilon = 1e-5;
constexpr std::int64_t crop = kernel / 4;       // samples that the transposed convolutions lose at each end
constexpr std::int64_t tile_numbers = 1 << 18;  // of what is worked on at once, so that it stays in the caches

/// [rows, time, C] as an image in channels-last memory, and back.
torch::Tensor as_image(const torch::Tensor& x) { return x.permute({2, 0, 1}).unsqueeze(0); }
torch::Tensor as_rows(const torch::Tensor& image) { return image.squeeze(0).permute({1, 2, 0}); }

/// Rows that are worked on at once.
std::int64_t tile_rows(std::int64_t rows, std::int64_t time, std::int64_t channels) {
  return std::clamp<std::int64_t>(tile_numbers / (time * channels), 1, rows);
}

nn::PackedConv conv_along(Branch branch, const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t step, std::int64_t padding,
                          Arithmetic arithmetic, nn::Activation activation) {
  const bool spectrogram = branch == Branch::spectrogram;
  const nn::ConvShape shape{.stride = spectrogram ? std::vector<std::int64_t>{step, 1} : std::vector<std::int64_t>{1, step},
                            .padding = spectrogram ? std::vector<std::int64_t>{padding, 0} : std::vector<std::int64_t>{0, padding}};
  return nn::PackedConv(weight, bias, shape, arithmetic.device, arithmetic.type, activation);
}

/// A transposed convolution of stride 4 as a convolution: each block of four outputs is a sum over two inputs. [in, out, 8] ->
/// [4 * out, in, 2], the outputs in rows.
torch::Tensor blocks_of_four(const torch::Tensor& weight) {
  const torch::Tensor taps = weight.to(torch::kFloat).flatten(2).unflatten(2, {2, stride});  // [in, out, tap, place]
  return taps.flip({2}).permute({3, 1, 0, 2}).flatten(0, 1);
}

}  // namespace

torch::Tensor row_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return torch::group_norm(x.permute({0, 2, 1}).unsqueeze(2), 1, weight, bias, norm_epsilon).squeeze(2).permute({0, 2, 1});
}

ResidualBranches::ResidualBranches(nn::TensorReader& reader, const std::string& name, std::int64_t channels, const Config& config,
                                   Arithmetic arithmetic) {
  const std::int64_t hidden = channels / config.compression;
  for (std::int64_t i = 0; i < config.residual_depth; ++i) {
    const auto take = [&](const char* part, std::vector<std::int64_t> shape) {
      return reader.take(name + ".layers." + std::to_string(i) + part, shape);
    };
    const auto on_device = [&](const char* part, std::int64_t count) { return take(part, {count}).to(arithmetic.device, arithmetic.type); };
    const std::int64_t dilation = std::int64_t(1) << i;
    Layer& layer = layers_.emplace_back();
    layer.down = nn::PackedConv(take(".0.weight", {hidden, channels, 3}), take(".0.bias", {hidden}),
                                {.padding = {0, dilation}, .dilation = {1, dilation}}, arithmetic.device, arithmetic.type);
    layer.down_weight = on_device(".1.weight", hidden);
    layer.down_bias = on_device(".1.bias", hidden);
    layer.up = nn::PackedLinear(take(".3.weight", {2 * channels, hidden, 1}).squeeze(2), take(".3.bias", {2 * channels}), arithmetic.device,
                                arithmetic.type);
    layer.up_weight = on_device(".4.weight", 2 * channels);
    layer.up_bias = on_device(".4.bias", 2 * channels);
    layer.scale = on_device(".6.scale", channels);
  }
}

torch::Tensor ResidualBranches::operator()(torch::Tensor x) const {
  for (const Layer& layer : layers_) {
    const torch::Tensor inner = torch::gelu(row_norm(as_rows(layer.down(as_image(x))), layer.down_weight, layer.down_bias));
    x = torch::addcmul(x, torch::glu(row_norm(layer.up(inner), layer.up_weight, layer.up_bias), -1), layer.scale);
  }
  return x;
}

Encoder::Encoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, const Config& config,
                 Arithmetic arithmetic)
    : branch_(branch) {
  const bool spectrogram = branch == Branch::spectrogram;
  const std::vector<std::int64_t> conv_shape = spectrogram ? std::vector<std::int64_t>{out, in, kernel, 1} : std::vector{out, in, kernel};
  conv_ = conv_along(branch, reader.take(name + ".conv.weight", conv_shape), reader.take(name + ".conv.bias", {out}), stride, kernel / 4,
                     arithmetic, nn::Activation::gelu);
  const std::vector<std::int64_t> gate_shape =
      spectrogram ? std::vector<std::int64_t>{2 * out, out, 1, 1} : std::vector{2 * out, out, std::int64_t(1)};
  gate_ = nn::PackedLinear(reader.take(name + ".rewrite.weight", gate_shape).view({2 * out, out}),
                           reader.take(name + ".rewrite.bias", {2 * out}), arithmetic.device, arithmetic.type);
  if (config.residual_encoder) residuals_ = ResidualBranches(reader, name + ".dconv", out, config, arithmetic);
}

torch::Tensor Encoder::operator()(const torch::Tensor& x) const {
  const std::int64_t missing = branch_ == Branch::sound ? (stride - x.size(1) % stride) % stride : 0;
  const torch::Tensor y = as_rows(conv_(as_image(missing > 0 ? torch::constant_pad_nd(x, {0, 0, 0, missing}) : x)));
  const std::int64_t tile = tile_rows(y.size(0), y.size(1), 2 * y.size(2));
  torch::Tensor result = torch::empty_like(y, torch::MemoryFormat::Contiguous);
  for (std::int64_t row = 0; row < y.size(0); row += tile) {
    torch::Tensor target = result.slice(0, row, row + tile);
    torch::glu_out(target, gate_(residuals_(y.slice(0, row, row + tile))), -1);
  }
  return result;
}

Decoder::Decoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, bool last,
                 const Config& config, Arithmetic arithmetic)
    : branch_(branch), context_(config.context), out_(out) {
  const bool spectrogram = branch == Branch::spectrogram;
  const std::int64_t width = 1 + 2 * context_;
  const std::vector<std::int64_t> gate_shape =
      spectrogram ? std::vector<std::int64_t>{2 * in, in, width, width} : std::vector{2 * in, in, width};
  gate_ = nn::PackedConv(reader.take(name + ".rewrite.weight", gate_shape), reader.take(name + ".rewrite.bias", {2 * in}),
                         {.padding = {0, context_}}, arithmetic.device, arithmetic.type);
  if (config.residual_decoder) residuals_ = ResidualBranches(reader, name + ".dconv", in, config, arithmetic);
  const std::vector<std::int64_t> up_shape = spectrogram ? std::vector<std::int64_t>{in, out, kernel, 1} : std::vector{in, out, kernel};
  torch::Tensor weight = blocks_of_four(reader.take(name + ".conv_tr.weight", up_shape));
  if (spectrogram) weight = weight.unsqueeze(3);
  if (last) arithmetic.type = torch::kFloat;
  up_ = conv_along(branch, weight, reader.take(name + ".conv_tr.bias", {out}).repeat({stride}), 1, 1, arithmetic,
                   last ? nn::Activation::none : nn::Activation::gelu);
}

/// [R, T, in], twice -> the same shape.
torch::Tensor Decoder::mixed(const torch::Tensor& x, const torch::Tensor& skip) const {
  const std::int64_t rows = x.size(0), margin = branch_ == Branch::spectrogram ? context_ : 0;
  torch::Tensor sum = torch::zeros({rows + 2 * margin, x.size(1), x.size(2)}, skip.options());
  torch::Tensor inner = sum.narrow(0, margin, rows);
  torch::add_out(inner, x, skip);
  const std::int64_t tile = tile_rows(rows, x.size(1), 2 * x.size(2));
  torch::Tensor result = torch::empty(x.sizes(), skip.options());
  for (std::int64_t row = 0; row < rows; row += tile) {
    const std::int64_t count = std::min(tile, rows - row);
    const torch::Tensor gated = torch::glu(as_rows(gate_(as_image(sum.narrow(0, row, count + 2 * margin)))), -1);
    result.narrow(0, row, count).copy_(residuals_(gated));
  }
  return result;
}

torch::Tensor Decoder::operator()(const torch::Tensor& x, const torch::Tensor& skip, std::int64_t length) const {
  const torch::Tensor blocks = as_rows(up_(as_image(mixed(x, skip))));  // with one block too many
  if (branch_ == Branch::sound) return blocks.reshape({1, blocks.size(1) * stride, out_}).narrow(1, crop, length);
  return blocks.unflatten(2, {stride, out_}).permute({0, 2, 1, 3}).flatten(0, 1).narrow(0, crop, stride * x.size(0));
}

}  // namespace voxconv::htdemucs
