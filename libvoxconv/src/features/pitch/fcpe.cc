#include "features/pitch/fcpe.h"

#include <algorithm>
#include <tuple>

#include "core/fail.h"
#include "features/frames.h"
#include "features/pitch/fcpe_classes.h"
#include "nn/conv.h"
#include "nn/finite.h"

namespace voxconv {
namespace {

constexpr std::int64_t mel_bins = 128, width = 512, conv_layers = 6, taps = 31;
constexpr std::int64_t norm_groups = 4;
constexpr std::int64_t norm_frames = 200;                            // either side
constexpr std::int64_t layers_reach = 1 + conv_layers * (taps / 2);  // frames either side that a frame depends on behind the normalisation
constexpr double activation_threshold = 0.006;                       // of the activation: voiced above it (torchfcpe's default)

MelConfig mel_config() {
  MelConfig config;
  config.sample_rate = feature_rate;
  config.n_fft = 1024;
  config.hop = feature_hop;
  config.bins = mel_bins;
  config.power = 1;
  config.magnitude_eps = 1e-9;
  config.log = MelConfig::Log::natural;
  config.floor = 1e-5;
  config.padding = MelConfig::Padding::same;
  return config;
}

/// Group normalisation of [1, C, T] over each frame's surroundings.
torch::Tensor local_group_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const std::int64_t channels = x.size(1), frames = x.size(2), per_group = channels / norm_groups;
  const torch::Tensor grouped = x.view({norm_groups, per_group, frames});
  // Running sums in double: [2, groups, T + 1]
  const torch::Tensor sums = torch::stack({grouped.sum(1), grouped.square().sum(1)}).to(torch::kDouble);
  const torch::Tensor running = torch::constant_pad_nd(sums.cumsum(2), {1, 0});
  const torch::Tensor frame = torch::arange(frames, torch::TensorOptions(torch::kLong).device(x.device()));
  const torch::Tensor end = (frame + norm_frames + 1).clamp_max(frames), begin = (frame - norm_frames).clamp_min(0);
  const torch::Tensor mean = (running.index_select(2, end) - running.index_select(2, begin)) / ((end - begin) * per_group);
  const torch::Tensor variance = (mean[1] - mean[0].square()).clamp_min(0);
  const torch::Tensor centre = mean[0].to(torch::kFloat).unsqueeze(1);  // [groups, 1, T]
  const torch::Tensor gain = (variance + 1e-5).rsqrt().to(torch::kFloat).unsqueeze(1);
  return ((grouped - centre) * gain).view({1, channels, frames}).mul_(weight.view({-1, 1})).add_(bias.view({-1, 1}));
}

}  // namespace

Fcpe::Fcpe(const nn::Safetensors& weights, const F0Range& range, torch::Device device, torch::ScalarType precision)
    : device_(device), mel_(mel_config(), device) {
  const auto affine = [&](const std::string& name, torch::IntArrayRef shape) {
    const torch::Tensor weight = nn::finite_weight(weights, name + ".weight");
    if (weight.sizes() != shape || weights.get(name + ".bias").numel() != shape[0])
      fail(ErrorCode::bad_model, "{} does not hold FCPE: the tensor {} has another shape.", weights.path(), name);
    const auto load = [&](const torch::Tensor& x) { return x.to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true); };
    return Affine{load(weight), load(nn::finite_weight(weights, name + ".bias"))};
  };
  const auto packed = [&](const Affine& layer, torch::ScalarType type) { return nn::PackedLinear(layer.weight, layer.bias, device, type); };
  // The layers overflow in float16.
  const torch::ScalarType type = precision == torch::kBFloat16 ? precision : torch::kFloat;
  input0_ = affine("input.0", {width, mel_bins, 3});
  input_norm_ = affine("input.norm", {width});
  input1_ = affine("input.1", {width, width, 3});
  for (std::int64_t i = 0; i < conv_layers; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    layers_.push_back({affine(prefix + "norm", {width}), affine(prefix + "depthwise", {2 * width, 1, taps}),
                       packed(affine(prefix + "expand", {4 * width, width}), type),
                       packed(affine(prefix + "project", {width, 2 * width}), type)});
  }
  norm_ = affine("norm", {width});
  output_ = packed(affine("output", {FcpeClasses::count, width}), torch::kFloat);
  cents_ = torch::linspace(FcpeClasses::cents_of(0), FcpeClasses::cents_of(FcpeClasses::count - 1), FcpeClasses::count, torch::kDouble)
               .to(device, torch::kFloat);
  std::tie(low_, high_) = FcpeClasses::within(range);
}

double Fcpe::context_s() const {
  const std::int64_t reach = norm_frames + 1 + layers_reach + 4;  // 4: the mel window
  return double(reach) / frame_rate;
}

torch::Tensor Fcpe::mel(const torch::Tensor& audio) const {
  const torch::Tensor mel = mel_(audio.to(device_, torch::kFloat));
  const std::int64_t missing = frame_count(audio.size(0)) - mel.size(1);  // torchfcpe repeats the last frame
  return missing > 0 ? torch::cat({mel, mel.slice(1, -1).expand({-1, missing})}, 1) : mel;
}

torch::Tensor Fcpe::convolve(const Layer& layer, const torch::Tensor& x) const {
  torch::Tensor y = torch::layer_norm(x, {width}, layer.norm.weight, layer.norm.bias);
  y = torch::glu(layer.expand(y).to(torch::kFloat), -1);
  y = torch::silu(nn::depthwise(y, layer.depthwise.weight, layer.depthwise.bias));
  return layer.project(y).to(torch::kFloat);
}

torch::Tensor Fcpe::activation(const torch::Tensor& mel, std::int64_t begin, std::int64_t end) const {
  const torch::NoGradGuard guard;
  torch::Tensor x = torch::conv1d(mel.unsqueeze(0), input0_.weight, input0_.bias, 1, 1);
  x = torch::leaky_relu_(x = local_group_norm(x, input_norm_.weight, input_norm_.bias));
  // Only the normalisation depends on what is farther away than the layers reach.
  const std::int64_t from = std::max<std::int64_t>(0, begin - layers_reach), to = std::min(x.size(2), end + layers_reach);
  x = x.slice(2, from, to);
  x = torch::conv1d(x, input1_.weight, input1_.bias, 1, 1).squeeze(0).t().contiguous();
  for (const Layer& layer : layers_) x += convolve(layer, x);
  x = torch::layer_norm(x.slice(0, begin - from, end - from), {width}, norm_.weight, norm_.bias);
  return output_(x).sigmoid_();
}

F0Frames Fcpe::estimate(const torch::Tensor& audio) const { return estimate_part(audio, 0, frame_count(audio.size(0))); }

F0Frames Fcpe::estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = frame_count(audio.size(0));
  const torch::Tensor scores = activation(mel(audio), begin, end);
  const auto [confidence, peak] = scores.slice(1, low_, high_).max(1, /*keepdim=*/true);
  // The mean of the classes around the peak, weighted by their activation.
  const torch::Tensor around =
      (peak + low_ + torch::arange(-FcpeClasses::peak_reach, FcpeClasses::peak_reach + 1, peak.options())).clamp(0, FcpeClasses::count - 1);
  const torch::Tensor weight = scores.gather(1, around);
  const torch::Tensor cents = (weight * cents_.index({around})).sum(1) / weight.sum(1);
  const torch::Tensor voiced = confidence.squeeze(1) > activation_threshold;
  const torch::Tensor hz = torch::where(voiced, torch::exp2(cents / 1200) * FcpeClasses::reference_hz, torch::zeros_like(cents));
  const auto place = [&](const torch::Tensor& part) { return torch::constant_pad_nd(part, {begin, frames - end}); };
  return {place(hz), place(confidence.squeeze(1))};
}

}  // namespace voxconv
