#include "features/pitch/crepe.h"

#include <cmath>

#include "core/fail.h"
#include "features/frames.h"
#include "features/pitch/crepe_classes.h"
#include "features/pitch/pitch_path.h"
#include "nn/finite.h"
#include "nn/linear.h"

namespace voxconv {
namespace {

constexpr std::int64_t frame_samples = 1024, positions = 4;
constexpr std::int64_t batch = 32;              // frames at a time
constexpr int transition_reach = 11;            // classes from frame to frame
constexpr double periodicity_threshold = 0.21;  // of the activation: voiced above it (torchcrepe's advice)

}  // namespace

Crepe::Crepe(const nn::Safetensors& weights, const F0Range& range, torch::Device device) : device_(device) {
  const auto get = [&](const std::string& name) {
    return nn::finite_weight(weights, name).to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  };
  std::int64_t channels = 1;
  bool fits = true;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::string number = std::to_string(i);
    layers_[i] = {get("conv." + number + ".weight"), get("conv." + number + ".bias"), get("norm." + number + ".scale").unsqueeze(1),
                  get("norm." + number + ".shift").unsqueeze(1)};
    const std::int64_t out = layers_[i].bias.numel();
    fits = fits && layers_[i].weight.sizes() == torch::IntArrayRef({out, channels, i == 0 ? 512 : 64}) && layers_[i].scale.numel() == out &&
           layers_[i].shift.numel() == out;
    channels = out;
  }
  weight_ = get("classifier.weight");
  bias_ = get("classifier.bias");
  fits = fits && weight_.sizes() == torch::IntArrayRef({CrepeClasses::count, positions * channels}) && bias_.numel() == CrepeClasses::count;
  if (!fits) fail(ErrorCode::bad_model, "{} does not hold CREPE: the tensor shapes do not fit each other.", weights.path());
  low_ = std::clamp<std::int64_t>(std::llround(std::floor(CrepeClasses::of(range.min_hz))), 0, CrepeClasses::count - 1);
  high_ = std::clamp<std::int64_t>(std::llround(std::ceil(CrepeClasses::of(range.max_hz))), low_ + 1, CrepeClasses::count);
}

double Crepe::context_s() const {
  return 0.5 * frame_samples / feature_rate + 0.5;
}  // the start of the path has no effect after half a second

/// [B, 1024] -> [B, 360]
torch::Tensor Crepe::network(const torch::Tensor& frames) const {
  torch::Tensor x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (i == 0) {
      // One input channel, 512 taps, stride 4: a matrix product is quicker than a convolution.
      const torch::Tensor taps = torch::constant_pad_nd(frames, {254, 254}).unfold(1, 512, 4);
      x = nn::linear(taps, layer.weight.squeeze(1), layer.bias).transpose(1, 2).contiguous().relu_();
    } else {
      x = torch::conv1d(torch::constant_pad_nd(x, {31, 32}), layer.weight, layer.bias).relu_();
    }
    x = torch::max_pool1d(x.mul_(layer.scale).add_(layer.shift), 2);
  }
  return torch::linear(x.transpose(1, 2).flatten(1), weight_, bias_).sigmoid();
}

torch::Tensor Crepe::activation(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = frame_count(audio.size(0));
  const std::int64_t right = (frames - 1) * feature_hop + frame_samples / 2 - audio.size(0);
  const torch::Tensor padded =
      torch::constant_pad_nd(audio.to(device_, torch::kFloat), {frame_samples / 2, std::max<std::int64_t>(right, 0)});
  const torch::Tensor all = padded.unfold(0, frame_samples, feature_hop).slice(0, 0, frames);
  std::vector<torch::Tensor> results;
  for (std::int64_t start = 0; start < frames; start += batch) {
    torch::Tensor part = all.slice(0, start, std::min(start + batch, frames));
    part = part - part.mean(1, /*keepdim=*/true);
    results.push_back(network(part / part.std(1, /*unbiased=*/true, /*keepdim=*/true).clamp_min(1e-10)));
  }
  return torch::cat(results);
}

torch::Tensor Crepe::path(const torch::Tensor& activation) const {
  // torchcrepe takes the softmax of the activations within the range as observation probabilities.
  const torch::Tensor inside = activation.slice(1, low_, high_).to(torch::kDouble).softmax(1);
  const torch::Tensor observed = torch::constant_pad_nd(inside, {low_, CrepeClasses::count - high_}).contiguous();
  PitchPath path(CrepeClasses::count, transition_reach, /*switch_probability=*/0);
  for (std::int64_t t = 0; t < observed.size(0); ++t)
    path.add({observed.data_ptr<double>() + t * CrepeClasses::count, std::size_t(CrepeClasses::count)}, 0);
  return torch::tensor(path.best(), torch::kLong);
}

F0Frames Crepe::estimate(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  const torch::Tensor scores = activation(audio).cpu();
  const torch::Tensor centre = path(scores).unsqueeze(1);
  const torch::Tensor around =
      (centre + torch::arange(-CrepeClasses::peak_reach, CrepeClasses::peak_reach + 1)).clamp(0, CrepeClasses::count - 1);
  const torch::Tensor weight = scores.gather(1, around);
  const torch::Tensor cents = (weight * around).sum(1) / weight.sum(1) * CrepeClasses::step + CrepeClasses::first_cents;
  const torch::Tensor confidence = scores.gather(1, centre).squeeze(1);
  const torch::Tensor hz =
      torch::where(confidence > periodicity_threshold, torch::exp2(cents / 1200) * CrepeClasses::reference_hz, torch::zeros_like(cents));
  return {hz.to(device_), confidence.to(device_)};
}

}  // namespace voxconv
