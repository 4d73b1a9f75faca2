#include "models/denoise/deepfilternet.h"

#include <utility>

namespace voxconv::deepfilternet {
namespace {

constexpr std::int64_t channels = 64, hidden = 256, image_frames = 3, path_frames = 5, taps = 3;
constexpr std::int64_t filter_numbers = 2 * filter_order;

/// A convolution in groups and the one of kernel 1 behind it, with nothing between them, as one: [C, in / groups, h, w] and [out, C, 1, 1]
/// -> [out, in, h, w]. For the few inputs of the first layers that is less work, and elsewhere one kernel instead of two.
torch::Tensor join_separable(const torch::Tensor& depthwise, const torch::Tensor& pointwise, std::int64_t in) {
  const std::int64_t own = depthwise.size(1), groups = in / own, out = depthwise.size(0) / groups;
  torch::Tensor whole = torch::zeros({depthwise.size(0), in, depthwise.size(2), depthwise.size(3)});
  for (std::int64_t g = 0; g < groups; ++g) whole.narrow(0, g * out, out).narrow(1, g * own, own).copy_(depthwise.narrow(0, g * out, out));
  return pointwise.to(torch::kFloat).flatten(1).mm(whole.flatten(1)).view({pointwise.size(0), in, whole.size(2), whole.size(3)});
}

/// A transposed depthwise convolution of stride 2 over bins (result cut by one at its begin) as convolutions of stride 1: one for the bins
/// 2 i, one for the bins 2 i + 1. [C, 1, 1, 3] -> both.
std::pair<torch::Tensor, torch::Tensor> both_outputs(const torch::Tensor& weight) {
  const auto tap = [&](std::int64_t i) { return weight.narrow(3, i, 1).to(torch::kFloat); };
  const torch::Tensor none = torch::zeros_like(tap(0));
  return {torch::cat({none, tap(1), none}, 3), torch::cat({none, tap(2), tap(0)}, 3)};
}

/// Takes layers from a file.
class LayerReader {
 public:
  LayerReader(nn::TensorReader& reader, torch::Device device) : reader_(reader), device_(device) {}

  torch::Tensor take(const std::string& name, torch::IntArrayRef shape) const { return reader_.take(name, shape).to(torch::kFloat); }
  GroupedLinear linear(const std::string& name, std::int64_t groups, std::int64_t in, std::int64_t out) const {
    return GroupedLinear(take(name + ".weight", {groups, in / groups, out / groups}).to(device_));
  }
  nn::Gru gru(const std::string& name, int layers) const {
    std::vector<torch::Tensor> weights;
    for (int i = 0; i < layers; ++i) {
      const std::string layer = name + "." + std::to_string(i);
      for (const char* part : {".input.weight", ".hidden.weight"}) weights.push_back(take(layer + part, {3 * hidden, hidden}));
      for (const char* part : {".input.bias", ".hidden.bias"}) weights.push_back(take(layer + part, {3 * hidden}));
    }
    return nn::Gru(std::move(weights), /*both_directions=*/false, device_);
  }
  /// A convolution over bins (zeros beyond both ends) with a ReLU; frames before the first one are the caller's matter.
  nn::PackedConv conv(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t stride = 1) const {
    return {weight, bias, {.stride = {1, stride}, .padding = {0, weight.size(3) / 2}}, device_, torch::kFloat, nn::Activation::relu};
  }
  nn::PackedConv separable(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t own, std::int64_t height,
                           std::int64_t width, std::int64_t stride = 1) const {
    const torch::Tensor depthwise = take(name + ".depthwise.weight", {out, own, height, width});
    return conv(join_separable(depthwise, take(name + ".pointwise.weight", {out, out, 1, 1}), in), take(name + ".pointwise.bias", {out}),
                stride);
  }
  nn::PackedConv doubling(const std::string& name) const {
    const auto [even, odd] = both_outputs(take(name + ".depthwise.weight", {channels, 1, 1, taps}));
    const torch::Tensor pointwise = take(name + ".pointwise.weight", {channels, channels, 1, 1});
    return conv(torch::cat({join_separable(even, pointwise, channels), join_separable(odd, pointwise, channels)}),
                take(name + ".pointwise.bias", {channels}).repeat({2}));
  }

 private:
  nn::TensorReader& reader_;
  torch::Device device_;
};

/// Frames of an image behind those in `before`, which are then the last ones.
torch::Tensor continued(torch::Tensor& before, const torch::Tensor& image) {
  torch::Tensor all = torch::cat({before, image}, 2).contiguous(torch::MemoryFormat::ChannelsLast);
  before = all.narrow(2, all.size(2) - before.size(2), before.size(2)).clone();
  return all;
}

/// An image as rows: [1, C, T, F] -> [T, F * C].
torch::Tensor rows(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).flatten(2).squeeze(0); }

torch::Tensor recur(const nn::Gru& gru, const torch::Tensor& x, torch::Tensor& state) { return gru(x.unsqueeze(0), state).squeeze(0); }

/// The outputs of LayerReader::doubling() in their order: [1, 2 C, T, F] -> [1, C, T, 2 F].
torch::Tensor interleaved(const torch::Tensor& image) {
  const std::int64_t frames = image.size(2), bins = image.size(3);
  return image.permute({0, 2, 3, 1}).reshape({1, frames, 2 * bins, image.size(1) / 2}).permute({0, 3, 1, 2});
}

}  // namespace

torch::Tensor GroupedLinear::operator()(const torch::Tensor& x) const {
  const torch::Tensor groups = x.view({x.size(0), weight_.size(0), weight_.size(1)}).transpose(0, 1);
  return torch::bmm(groups, weight_).transpose(0, 1).flatten(1);
}

Network::Network(nn::TensorReader& file, torch::Device device) : device_(device) {
  const torch::NoGradGuard guard;
  const LayerReader reader(file, device);
  erb_[0] =
      reader.conv(reader.take("encoder.erb.0.weight", {channels, 1, image_frames, taps}), reader.take("encoder.erb.0.bias", {channels}));
  for (std::size_t i = 1; i < erb_.size(); ++i)
    erb_[i] = reader.separable("encoder.erb." + std::to_string(i), channels, channels, 1, 1, taps, i < 3 ? 2 : 1);
  low_[0] = reader.separable("encoder.df.0", 2, channels, 1, image_frames, taps);
  low_[1] = reader.separable("encoder.df.1", channels, channels, 1, 1, taps, 2);
  low_linear_ = reader.linear("encoder.df_linear", 32, channels * filter_bins / 2, embedding_dim);
  encoder_ = {reader.linear("encoder.squeeze", 16, embedding_dim, hidden), reader.linear("encoder.expand", 16, hidden, embedding_dim),
              reader.gru("encoder.gru", 1)};
  mask_gru_ = {reader.linear("mask.squeeze", 16, embedding_dim, hidden), reader.linear("mask.expand", 16, hidden, embedding_dim),
               reader.gru("mask.gru", 2)};
  for (std::size_t i = 0; i < skips_.size(); ++i) {
    const std::string name = "mask.skip." + std::to_string(3 - i);
    skips_[i] = {reader.take(name + ".weight", {channels, 1, 1, 1}).view({1, channels, 1, 1}).to(device),
                 reader.take(name + ".bias", {channels}).view({1, channels, 1, 1}).to(device)};
  }
  up_[0] = reader.separable("mask.up.3", channels, channels, 1, 1, taps);
  up_[1] = reader.doubling("mask.up.2");
  up_[2] = reader.doubling("mask.up.1");
  up_[3] = {reader.take("mask.output.weight", {1, channels, 1, taps}),
            reader.take("mask.output.bias", {1}),
            {.padding = {0, taps / 2}},
            device,
            torch::kFloat};
  filter_gru_ = {reader.linear("filter.squeeze", 8, embedding_dim, hidden), {}, reader.gru("filter.gru", 2)};
  filter_skip_ = reader.linear("filter.skip", 16, embedding_dim, hidden);
  filter_output_ = reader.linear("filter.output", 16, hidden, filter_bins * filter_numbers);
  path_ = reader.separable("filter.path", channels, filter_numbers, channels / 2, path_frames, 1);
}

Network::State Network::start() const {
  const auto zeros = [&](std::int64_t count, std::int64_t frames, std::int64_t bins) {
    return torch::zeros({1, count, frames, bins}, torch::TensorOptions().device(device_).memory_format(torch::MemoryFormat::ChannelsLast));
  };
  return {zeros(1, image_frames - 1, erb_bands),
          zeros(2, image_frames - 1, filter_bins),
          zeros(channels, path_frames - 1, filter_bins),
          encoder_.gru.start(1),
          mask_gru_.gru.start(1),
          filter_gru_.gru.start(1)};
}

Network::Encoded Network::encode(const torch::Tensor& erb, const torch::Tensor& low, State& state) const {
  Encoded result;
  torch::Tensor x = continued(state.erb, erb.unsqueeze(0).unsqueeze(0).to(device_));
  for (std::size_t i = 0; i < erb_.size(); ++i) result.erb[i] = x = erb_[i](x);
  result.low = low_[0](continued(state.low, low.unsqueeze(0).to(device_)));
  const torch::Tensor of_low = low_linear_(rows(low_[1](result.low))).relu_();
  const torch::Tensor joined = encoder_.squeeze(rows(result.erb[3]) + of_low).relu_();
  result.embedding = encoder_.expand(recur(encoder_.gru, joined, state.encoder)).relu_();
  return result;
}

torch::Tensor Network::mask(const Encoded& encoded, State& state) const {
  const torch::Tensor inner = recur(mask_gru_.gru, mask_gru_.squeeze(encoded.embedding).relu_(), state.mask);
  // [T, 512] -> [1, 64, T, 8]
  torch::Tensor x = mask_gru_.expand(inner).relu_().view({1, inner.size(0), erb_bands / 4, channels}).permute({0, 3, 1, 2});
  for (std::size_t i = 0; i < up_.size(); ++i) {
    const torch::Tensor skip = torch::addcmul(skips_[i].shift, encoded.erb[3 - i], skips_[i].scale).relu_();
    x = up_[i](skip.add_(x).contiguous(torch::MemoryFormat::ChannelsLast));
    if (i == 1 || i == 2) x = interleaved(x);
  }
  return torch::sigmoid(x).view({x.size(2), erb_bands});
}

torch::Tensor Network::filter(const Encoded& encoded, State& state) const {
  const torch::Tensor squeezed = filter_gru_.squeeze(encoded.embedding).relu_();
  const torch::Tensor inner = recur(filter_gru_.gru, squeezed, state.filter) + filter_skip_(encoded.embedding);
  const torch::Tensor direct = rows(path_(continued(state.path, encoded.low)));
  return filter_output_(inner).tanh_().add_(direct).view({inner.size(0), filter_bins, filter_order, 2});
}

}  // namespace voxconv::deepfilternet
