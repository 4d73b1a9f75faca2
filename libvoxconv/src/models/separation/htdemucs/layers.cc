#include "models/separation/htdemucs/layers.h"

#include <algorithm>

namespace voxconv::htdemucs {
namespace {

constexpr double norm_epsilon = 1e-5;
constexpr std::int64_t crop = kernel / 4;                              // samples that the transposed convolutions lose at each end
constexpr std::int64_t tile_numbers = 1 << 18, tile_positions = 4096;  // worked on at once, so that it stays in the caches

/// Rows that are worked on at once.
std::int64_t tile_rows(std::int64_t rows, std::int64_t time, std::int64_t channels) {
  return std::clamp<std::int64_t>(tile_numbers / (time * channels), 1, rows);
}

nn::ConvShape shape_along(Branch branch, std::int64_t step, std::int64_t padding) {
  if (branch == Branch::spectrogram) return {.stride = {step, 1}, .padding = {padding, 0}};
  return {.stride = {1, step}, .padding = {0, padding}};
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

Conv::Conv(const torch::Tensor& weight, const torch::Tensor& bias, nn::ConvShape shape, Arithmetic arithmetic)
    : weight_((weight.dim() == 3 ? weight.unsqueeze(2) : weight)
                  .to(arithmetic.device, arithmetic.type)
                  .contiguous(torch::MemoryFormat::ChannelsLast)),
      bias_(bias.to(arithmetic.device, arithmetic.type)),
      shape_(std::move(shape)) {}

torch::Tensor Conv::operator()(const torch::Tensor& x) const {
  const torch::Tensor image = x.to(weight_.scalar_type()).permute({2, 0, 1}).unsqueeze(0);
  return torch::conv2d(image, weight_, bias_, shape_.stride, shape_.padding, shape_.dilation).squeeze(0).permute({1, 2, 0}).contiguous();
}

// sigmoid(b) is (1 + tanh(b / 2)) / 2, and tanh is what PackedLinear has in its kernel.
GatedLinear::GatedLinear(const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& scale, Arithmetic arithmetic) {
  const std::vector<torch::Tensor> weights = weight.to(torch::kFloat).chunk(2), biases = bias.to(torch::kFloat).chunk(2);
  const torch::Tensor half = scale.defined() ? scale.to(torch::kFloat) / 2 : torch::full({biases[0].size(0)}, 0.5);
  half_ = nn::PackedLinear(weights[0] * half.unsqueeze(1), biases[0] * half, arithmetic.device, arithmetic.type);
  tanh_ = nn::PackedLinear(weights[1] / 2, biases[1] / 2, arithmetic.device, arithmetic.type, nn::Activation::tanh);
}

void GatedLinear::operator()(const torch::Tensor& x, const torch::Tensor& target, const torch::Tensor& residual) const {
  const torch::Tensor inputs = x.reshape({-1, x.size(-1)}), results = target.view({-1, target.size(-1)});
  const torch::Tensor residuals = residual.defined() ? residual.reshape(results.sizes()) : residual;
  for (std::int64_t at = 0; at < inputs.size(0); at += tile_positions) {
    const torch::Tensor piece = inputs.slice(0, at, at + tile_positions), half = half_(piece), gate = tanh_(piece);
    torch::Tensor result = results.slice(0, at, at + tile_positions);
    if (residual.defined())
      torch::addcmul_out(result, residuals.slice(0, at, at + tile_positions), half, gate.add_(1));
    else
      torch::addcmul_out(result, half, half, gate);
  }
}

ResidualBranches::ResidualBranches(nn::TensorReader& reader, const std::string& name, std::int64_t channels, const Config& config,
                                   Arithmetic arithmetic) {
  const std::int64_t hidden = channels / config.compression;
  for (std::int64_t i = 0; i < config.residual_depth; ++i) {
    const auto take = [&](const char* part, std::vector<std::int64_t> shape) {
      return reader.take(name + ".layers." + std::to_string(i) + part, shape);
    };
    const auto in_float = [&](const char* part, std::vector<std::int64_t> shape) { return take(part, std::move(shape)).to(torch::kFloat); };
    const std::int64_t dilation = std::int64_t(1) << i;
    Layer& layer = layers_.emplace_back();
    layer.down = Conv(take(".0.weight", {hidden, channels, 3}), take(".0.bias", {hidden}),
                      {.padding = {0, dilation}, .dilation = {1, dilation}}, arithmetic);
    layer.norm_weight = take(".1.weight", {hidden}).to(arithmetic.device, arithmetic.type);
    layer.norm_bias = take(".1.bias", {hidden}).to(arithmetic.device, arithmetic.type);
    const torch::Tensor weight = in_float(".3.weight", {2 * channels, hidden, 1}).squeeze(2), bias = in_float(".3.bias", {2 * channels}),
                        norm_weight = in_float(".4.weight", {2 * channels}).unsqueeze(1), norm_bias = in_float(".4.bias", {2 * channels});
    layer.gram = (weight.t().mm(weight) / double(2 * channels)).to(arithmetic.device);
    layer.mean_weight = weight.mean(0).to(arithmetic.device);
    layer.mean_bias = bias.mean().to(arithmetic.device);
    layer.weight = (weight - weight.mean(0)).to(arithmetic.device);
    layer.bias = (bias - bias.mean()).to(arithmetic.device);
    layer.up = GatedLinear(torch::cat({weight * norm_weight, bias.unsqueeze(1) * norm_weight, norm_weight}, 1), norm_bias,
                           take(".6.scale", {channels}), arithmetic);
  }
}

/// x [rows, time, hidden] -> [rows, time, hidden + 2]: what the linear layer has to take so that its outputs are normalised over each row.
torch::Tensor ResidualBranches::normalised_inputs(const Layer& layer, const torch::Tensor& x) const {
  const torch::Tensor values = x.to(torch::kFloat), mean = values.mean(1, /*keepdim=*/true), centred = values - mean;
  const torch::Tensor covariance = centred.transpose(1, 2).bmm(centred) / double(x.size(1));  // [rows, hidden, hidden]
  // The variance over time and outputs: that of each output over the time, and that of their means.
  const torch::Tensor outputs = mean.squeeze(1).matmul(layer.weight.t()) + layer.bias;  // [rows, 2 channels], less the mean over all
  const torch::Tensor variance = (covariance * layer.gram).sum({1, 2}) + outputs.square().mean(1);
  const torch::Tensor scale = (variance + norm_epsilon).rsqrt().view({-1, 1, 1});
  const torch::Tensor shift = (mean.matmul(layer.mean_weight) + layer.mean_bias).unsqueeze(2) * -scale;
  return torch::cat({values * scale, torch::cat({scale, shift}, 2).expand({-1, x.size(1), -1})}, 2);
}

torch::Tensor ResidualBranches::operator()(torch::Tensor x) const {
  for (const Layer& layer : layers_) {
    const torch::Tensor inner = torch::gelu(row_norm(layer.down(x), layer.norm_weight, layer.norm_bias));
    const torch::Tensor result = torch::empty(x.sizes(), x.options());
    layer.up(normalised_inputs(layer, inner), result, x);
    x = result;
  }
  return x;
}

Encoder::Encoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, const Config& config,
                 Arithmetic arithmetic)
    : branch_(branch) {
  const bool spectrogram = branch == Branch::spectrogram;
  const std::vector<std::int64_t> conv_shape = spectrogram ? std::vector<std::int64_t>{out, in, kernel, 1} : std::vector{out, in, kernel};
  conv_ = Conv(reader.take(name + ".conv.weight", conv_shape), reader.take(name + ".conv.bias", {out}),
               shape_along(branch, stride, kernel / 4), arithmetic);
  const std::vector<std::int64_t> gate_shape =
      spectrogram ? std::vector<std::int64_t>{2 * out, out, 1, 1} : std::vector{2 * out, out, std::int64_t(1)};
  gate_ = GatedLinear(reader.take(name + ".rewrite.weight", gate_shape).view({2 * out, out}),
                      reader.take(name + ".rewrite.bias", {2 * out}), {}, arithmetic);
  if (config.residual_encoder) residuals_ = ResidualBranches(reader, name + ".dconv", out, config, arithmetic);
}

torch::Tensor Encoder::operator()(const torch::Tensor& x) const {
  const std::int64_t missing = branch_ == Branch::sound ? (stride - x.size(1) % stride) % stride : 0;
  const torch::Tensor y = torch::gelu(conv_(missing > 0 ? torch::constant_pad_nd(x, {0, 0, 0, missing}) : x));
  const std::int64_t tile = tile_rows(y.size(0), y.size(1), 2 * y.size(2));
  const torch::Tensor result = torch::empty(y.sizes(), y.options());
  for (std::int64_t row = 0; row < y.size(0); row += tile) gate_(residuals_(y.slice(0, row, row + tile)), result.slice(0, row, row + tile));
  return result;
}

Decoder::Decoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, bool last,
                 const Config& config, Arithmetic arithmetic)
    : branch_(branch), context_(config.context), out_(out), last_(last) {
  const bool spectrogram = branch == Branch::spectrogram;
  const std::int64_t width = 1 + 2 * context_;
  const std::vector<std::int64_t> gate_shape =
      spectrogram ? std::vector<std::int64_t>{2 * in, in, width, width} : std::vector{2 * in, in, width};
  gate_ = Conv(reader.take(name + ".rewrite.weight", gate_shape), reader.take(name + ".rewrite.bias", {2 * in}), {.padding = {0, context_}},
               arithmetic);
  if (config.residual_decoder) residuals_ = ResidualBranches(reader, name + ".dconv", in, config, arithmetic);
  const std::vector<std::int64_t> up_shape = spectrogram ? std::vector<std::int64_t>{in, out, kernel, 1} : std::vector{in, out, kernel};
  torch::Tensor weight = blocks_of_four(reader.take(name + ".conv_tr.weight", up_shape));
  if (spectrogram) weight = weight.unsqueeze(3);
  if (last) arithmetic.type = torch::kFloat;
  up_ = Conv(weight, reader.take(name + ".conv_tr.bias", {out}).repeat({stride}), shape_along(branch, 1, 1), arithmetic);
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
    const torch::Tensor gated = torch::glu(gate_(sum.narrow(0, row, count + 2 * margin)), -1);
    result.narrow(0, row, count).copy_(residuals_(gated));
  }
  return result;
}

torch::Tensor Decoder::operator()(const torch::Tensor& x, const torch::Tensor& skip, std::int64_t length) const {
  torch::Tensor blocks = up_(mixed(x, skip));  // with one block too many
  if (!last_) blocks = torch::gelu(blocks);
  if (branch_ == Branch::sound) return blocks.reshape({1, blocks.size(1) * stride, out_}).narrow(1, crop, length);
  return blocks.unflatten(2, {stride, out_}).permute({0, 2, 1, 3}).flatten(0, 1).narrow(0, crop, stride * x.size(0));
}

}  // namespace voxconv::htdemucs
