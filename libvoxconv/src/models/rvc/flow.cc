#include "models/rvc/flow.h"

#include "models/rvc/tiling.h"

namespace voxconv::rvc {
namespace {

// RVC has these in its code, not in its settings.
constexpr std::int64_t couplings = 4, layers = 3, wavenet_kernel = 5;
static_assert(Flow::context_frames == couplings * layers * (wavenet_kernel / 2));

}  // namespace

FlowWeights read_flow(const Config& config, nn::TensorReader& reader) {
  const std::int64_t h = config.hidden_channels, half = config.inter_channels / 2;
  FlowWeights weights;
  for (std::int64_t i = 0; i < couplings; ++i) {
    const std::string start = "flow.flows." + std::to_string(2 * i) + ".";
    FlowWeights::Coupling coupling;
    coupling.pre = take_affine(reader, start + "pre", {h, half, 1});
    coupling.post = take_affine(reader, start + "post", {half, h, 1});
    coupling.speaker = take_affine(reader, start + "enc.cond_layer", {layers * 2 * h, config.speaker_dim, 1});
    for (std::int64_t j = 0; j < layers; ++j) {
      coupling.in.push_back(take_affine(reader, start + "enc.in_layers." + std::to_string(j), {2 * h, h, wavenet_kernel}));
      coupling.out.push_back(take_affine(reader, start + "enc.res_skip_layers." + std::to_string(j), {j + 1 < layers ? 2 * h : h, h, 1}));
    }
    weights.couplings.push_back(std::move(coupling));
  }
  return weights;
}

Flow::Flow(const Config& config, const FlowWeights& weights, torch::Device device)
    : hidden_(config.hidden_channels), half_(config.inter_channels / 2) {
  const torch::NoGradGuard guard;
  const auto moved = [&](const torch::Tensor& x) { return x.to(device, torch::kFloat); };
  const auto conv = [&](const torch::Tensor& weight, const torch::Tensor& bias) {
    return nn::PackedConv(weight, bias, {.padding = {0, weight.size(2) / 2}}, device, torch::kFloat);
  };
  for (std::int64_t i = couplings; i-- > 0;) {
    const FlowWeights::Coupling& from = weights.couplings[static_cast<std::size_t>(i)];
    const auto flipped = [&](const torch::Tensor& x, std::int64_t dim) { return i % 2 == 1 ? moved(x).flip(dim) : moved(x); };
    Coupling coupling;
    coupling.pre = conv(flipped(from.pre.weight, 1), moved(from.pre.bias));
    coupling.post = conv(-flipped(from.post.weight, 0), -flipped(from.post.bias, 0));
    coupling.speaker = {moved(from.speaker.weight).squeeze(2), moved(from.speaker.bias)};
    for (std::size_t j = 0; j < from.in.size(); ++j) {
      const torch::Tensor weight = moved(from.out[j].weight), bias = moved(from.out[j].bias);
      const std::int64_t kept = weight.size(0) - hidden_;  // channels that go on to the next layer
      Layer layer;
      layer.in = conv(moved(from.in[j].weight), moved(from.in[j].bias));
      layer.skip = conv(weight.slice(0, kept), bias.slice(0, kept));
      if (kept > 0) layer.residual = conv(weight.slice(0, 0, kept), bias.slice(0, 0, kept));
      coupling.layers.push_back(std::move(layer));
    }
    couplings_.push_back(std::move(coupling));
  }
}

torch::Tensor Flow::couple(const Coupling& coupling, const torch::Tensor& condition, const torch::Tensor& changed,
                           const torch::Tensor& speaker) const {
  const torch::Tensor conditions = torch::addmv(coupling.speaker.bias, coupling.speaker.weight, speaker).view({layers, 2 * hidden_});
  torch::Tensor x = coupling.pre(condition), skipped;
  for (std::int64_t j = 0; j < layers; ++j) {
    const Layer& layer = coupling.layers[static_cast<std::size_t>(j)];
    const torch::Tensor both = rows_of(layer.in(x)).add_(conditions[j]);
    const torch::Tensor gated = image_of(both.slice(1, 0, hidden_).tanh().mul_(both.slice(1, hidden_).sigmoid()));
    skipped = skipped.defined() ? layer.skip.add(gated, skipped) : layer.skip(gated);
    if (j + 1 < layers) x = layer.residual.add(gated, x);
  }
  return coupling.post.add(skipped, changed);
}

torch::Tensor Flow::operator()(const torch::Tensor& drawn, const torch::Tensor& speaker) const {
  const torch::NoGradGuard guard;
  const auto half = [&](std::int64_t first) { return image_of(drawn.narrow(0, first, half_).t().contiguous()); };
  torch::Tensor low = half(0), high = half(half_);
  for (std::size_t i = 0; i < couplings_.size(); ++i) {
    torch::Tensor& changed = i % 2 == 0 ? low : high;
    changed = couple(couplings_[i], i % 2 == 0 ? high : low, changed, speaker);
  }
  return torch::cat({rows_of(low), rows_of(high)}, 1).t().contiguous();
}

}  // namespace voxconv::rvc
