#include "models/separation/spleeter/unet.h"

#include <vector>

namespace voxconv::spleeter {
namespace {

constexpr std::array<std::int64_t, UNet::layers + 1> down_channels{2, 16, 32, 64, 128, 256, 512};
constexpr std::array<std::int64_t, UNet::layers> up_inputs{512, 512, 256, 128, 64, 32}, up_channels{256, 128, 64, 32, 16, 1};
constexpr std::int64_t kernel = 5, mask_kernel = 4;
constexpr double leak = 0.2;

torch::Tensor empty_image(std::int64_t channels, std::int64_t height, std::int64_t width, torch::TensorOptions options) {
  return torch::empty({1, channels, height, width}, options.memory_format(torch::MemoryFormat::ChannelsLast));
}

/// A transposed convolution of stride 2, whose result is cut by one at its begin and by two at its end, as a convolution: of the four
/// outputs at each input position, each is a sum over some of its 3 x 3 neighbours. [in, out, 5, 5] -> [4 * out, in, 3, 3], the outputs in
/// rows. oneDNN takes no longer for it than for the transposed one, in bfloat16 a fraction of the time.
torch::Tensor four_outputs(const torch::Tensor& weight) {
  // taps[phase][neighbour]: the row (or column) of the kernel; -1: none.
  constexpr std::int64_t taps[2][3] = {{3, 1, -1}, {4, 2, 0}};
  const std::int64_t in = weight.size(0), out = weight.size(1);
  const torch::Tensor source = weight.to(torch::kFloat).transpose(0, 1);
  torch::Tensor result = torch::zeros({2, 2, out, in, 3, 3});
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t column = 0; column < 2; ++column)
      for (std::int64_t i = 0; i < 3; ++i)
        for (std::int64_t j = 0; j < 3; ++j)
          if (const std::int64_t y = taps[row][i], x = taps[column][j]; y >= 0 && x >= 0)
            result[row][column].select(3, j).select(2, i).copy_(source.select(3, x).select(2, y));
  return result.flatten(0, 2);
}

}  // namespace

UNet::UNet(nn::TensorReader& reader, torch::Device device, torch::ScalarType type) : type_(type) {
  const torch::NoGradGuard guard;
  const auto affine = [&](const std::string& name, std::int64_t channels) {
    const auto take = [&](const char* part) { return reader.take(name + part, {channels}).to(device, type).view({1, channels, 1, 1}); };
    return Affine{take(".scale"), take(".shift")};
  };
  for (std::int64_t i = 0; i < layers; ++i) {
    const auto at = std::size_t(i);
    const std::string down = "down." + std::to_string(i), up = "up." + std::to_string(i);
    const std::int64_t in = down_channels[at], out = down_channels[at + 1];
    down_[at] = nn::PackedConv(reader.take(down + ".weight", {out, in, kernel, kernel}), reader.take(down + ".bias", {out}),
                               {.stride = {2, 2}}, device, type);
    if (i + 1 < layers) down_affine_[at] = affine(down, out);
    const torch::Tensor weight = reader.take(up + ".weight", {up_inputs[at], up_channels[at], kernel, kernel});
    up_[at] = nn::PackedConv(four_outputs(weight), reader.take(up + ".bias", {up_channels[at]}).repeat({4}), {.padding = {1, 1}}, device,
                             type, nn::Activation::relu);
    up_affine_[at] = affine(up, up_channels[at]);
  }
  mask_ = nn::PackedConv(reader.take("mask.weight", {2, 1, mask_kernel, mask_kernel}), reader.take("mask.bias", {2}),
                         {.padding = {3, 3}, .dilation = {2, 2}}, device, type);
}

torch::Tensor UNet::padded(const torch::Tensor& x) {
  torch::Tensor image = empty_image(x.size(1), x.size(2) + 3, x.size(3) + 3, x.options()).zero_();
  image.narrow(2, 1, x.size(2)).narrow(3, 1, x.size(3)).copy_(x);
  return image;
}

torch::Tensor UNet::down(std::int64_t layer, const torch::Tensor& padded) const { return down_[std::size_t(layer)](padded); }

torch::Tensor UNet::activate(std::int64_t layer, const torch::Tensor& raw) const {
  torch::Tensor image = empty_image(raw.size(1), raw.size(2) + 3, raw.size(3) + 3, raw.options()).zero_();
  torch::Tensor inner = image.narrow(2, 1, raw.size(2)).narrow(3, 1, raw.size(3));
  const Affine& affine = down_affine_[std::size_t(layer)];
  torch::addcmul_out(inner, affine.shift, raw, affine.scale);
  return torch::leaky_relu_(image, leak);
}

void UNet::up(std::int64_t layer, const torch::Tensor& x, torch::Tensor result) const {
  const std::int64_t height = x.size(2), width = x.size(3), channels = result.size(1);
  const torch::Tensor outputs =
      up_[std::size_t(layer)](x).permute({0, 2, 3, 1}).view({height, width, 2, 2, channels}).permute({0, 2, 1, 3, 4});
  torch::Tensor target = result.permute({0, 2, 3, 1}).squeeze(0).unflatten(0, {height, 2}).unflatten(2, {width, 2});
  const Affine& affine = up_affine_[std::size_t(layer)];
  torch::addcmul_out(target, affine.shift.flatten(), outputs, affine.scale.flatten());
}

torch::Tensor UNet::operator()(const torch::Tensor& magnitude) const {
  const torch::NoGradGuard guard;
  std::vector<torch::Tensor> raws;  // which the way up sees again
  torch::Tensor x = padded(magnitude.to(type_));
  for (std::int64_t i = 0; i < layers; ++i) {
    raws.push_back(down(i, x));
    if (i + 1 < layers) x = activate(i, raws.back());
  }
  x = raws.back();
  for (std::int64_t i = 0; i < layers; ++i) {
    raws.pop_back();
    const std::int64_t beside = raws.empty() ? 0 : raws.back().size(1), own = up_channels[std::size_t(i)];
    torch::Tensor joined = empty_image(beside + own, 2 * x.size(2), 2 * x.size(3), x.options());
    if (beside > 0) joined.narrow(1, 0, beside).copy_(raws.back());
    up(i, x, joined.narrow(1, beside, own));
    x = joined;
  }
  return torch::sigmoid(mask_(x).to(torch::kFloat)) * magnitude;
}

}  // namespace voxconv::spleeter
