#include "models/rvc/hifigan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"

namespace voxconv::rvc {
namespace {

constexpr double slope = 0.1, last_slope = 0.01;

}  // namespace

HifiGanNames hifigan_names(const Config& config) {
  HifiGanNames names;
  names.up = "ups";
  names.paired = config.resblock == "1";
  names.residual = [paired = names.paired](std::size_t stage, std::size_t block, std::size_t blocks, std::size_t step, int which) {
    return fmt::format("resblocks.{}.convs{}.{}", stage * blocks + block, paired ? std::to_string(which + 1) : "", step);
  };
  return names;
}

HifiGanWeights read_hifigan(const Config& config, const HifiGanNames& names, nn::TensorReader& reader) {
  HifiGanWeights weights;
  const auto take = [&](const std::string& name, torch::IntArrayRef shape, torch::Tensor& weight, torch::Tensor& bias) {
    weight = reader.take(name + ".weight", shape);
    bias = reader.take(name + ".bias", {shape[0]});
  };
  std::int64_t channels = config.upsample_channels;
  take("conv_pre", {channels, config.inter_channels, 7}, weights.pre_weight, weights.pre_bias);
  take("cond", {channels, config.speaker_dim, 1}, weights.cond_weight, weights.cond_bias);
  if (config.f0) take("m_source.l_linear", {1, names.partials}, weights.source_weight, weights.source_bias);
  std::int64_t rate = 1;
  for (std::size_t i = 0; i < config.upsample_rates.size(); ++i) {
    HifiGanWeights::Stage stage;
    const std::string up = fmt::format("{}.{}", names.up, i);
    stage.up_weight = reader.take(up + ".weight", {channels, channels / 2, config.upsample_kernels[i]});
    channels /= 2;
    stage.up_bias = reader.take(up + ".bias", {channels});
    rate *= config.upsample_rates[i];
    // Kernels over the excitation span two strides; in Applio one sample less where the stride is odd.
    const std::int64_t stride = config.hop() / rate;
    const std::string noise = fmt::format("noise_convs.{}", i);
    const std::int64_t kernel = stride == 1 ? 1 : stride % 2 == 1 ? -1 : 2 * stride;
    if (config.f0) take(noise, {channels, 1, kernel}, stage.noise_weight, stage.noise_bias);
    for (std::size_t j = 0; j < config.resblock_kernels.size(); ++j) {
      std::vector<ResidualWeights> steps;
      for (std::size_t k = 0; k < config.resblock_dilations[j].size(); ++k) {
        ResidualWeights step;
        step.dilation = config.resblock_dilations[j][k];
        const std::int64_t shape[] = {channels, channels, config.resblock_kernels[j]};
        const auto name = [&](int which) { return names.residual(i, j, config.resblock_kernels.size(), k, which); };
        take(name(0), shape, step.weight1, step.bias1);
        if (names.paired) take(name(1), shape, step.weight2, step.bias2);
        steps.push_back(std::move(step));
      }
      stage.blocks.push_back(std::move(steps));
    }
    weights.stages.push_back(std::move(stage));
  }
  weights.post_weight = reader.take("conv_post.weight", {1, channels, 7});
  if (names.post_bias) weights.post_bias = reader.take("conv_post.bias", {1});
  return weights;
}

HifiGanNames mrf_hifigan_names() {
  HifiGanNames names;
  names.up = "upsamples";
  names.residual = [](std::size_t stage, std::size_t block, std::size_t, std::size_t step, int which) {
    return fmt::format("mrfs.{}.{}.layers.{}.conv{}", stage, block, step, which + 1);
  };
  names.partials = 9;
  names.post_bias = true;
  return names;
}

HifiGan::HifiGan(const Config& config, const HifiGanWeights& weights, torch::Device device, torch::ScalarType precision)
    : device_(device), precision_(precision), hop_(config.hop()) {
  const torch::NoGradGuard guard;
  const auto kernel_reach = [](const torch::Tensor& weight) { return (weight.size(2) - 1) / 2; };
  pre_ = nn::PackedConv(weights.pre_weight, weights.pre_bias, {}, device, torch::kFloat);
  pre_reach_ = kernel_reach(weights.pre_weight);
  cond_weight_ = weights.cond_weight.squeeze(2).to(device, torch::kFloat);
  cond_bias_ = weights.cond_bias.to(device, torch::kFloat);
  // The blocks of a stage are summed; the factor of their mean passes through the leaky ReLU into the weights of what follows.
  double scale = 1;
  std::int64_t rate = 1;
  for (std::size_t i = 0; i < weights.stages.size(); ++i) {
    rate *= config.upsample_rates[i];
    stages_.push_back(make_stage(weights.stages[i], config.upsample_rates[i], rate, scale));
    scale = 1.0 / static_cast<double>(weights.stages[i].blocks.size());
  }
  post_ = nn::PackedConv(weights.post_weight.to(torch::kFloat) * scale, weights.post_bias, {}, device, torch::kFloat);
  post_reach_ = kernel_reach(weights.post_weight);
  if (weights.source_weight.defined())
    source_.emplace(weights.source_weight, weights.source_bias, config.sample_rate, hop_, Excitation::Pitch::held);

  // Far from the ends: what one frame's samples need.
  const std::int64_t frames = 1 << 20, middle = frames / 2;
  Span needed = Span{middle * hop_, (middle + 1) * hop_}.widened(post_reach_);
  for (std::size_t i = stages_.size(); i-- > 0;) needed = stage_input(stages_[i], needed, frames);
  needed = needed.widened(pre_reach_);
  context_frames_ = std::max(middle - needed.begin, needed.end - middle - 1);
}

HifiGan::Stage HifiGan::make_stage(const HifiGanWeights::Stage& weights, std::int64_t rate, std::int64_t samples_per_frame,
                                   double scale) const {
  Stage stage;
  stage.up = Upsampler(weights.up_weight.to(torch::kFloat) * scale, weights.up_bias.to(torch::kFloat), rate, device_, precision_);
  stage.channels = weights.up_weight.size(1);
  stage.rate = samples_per_frame;
  stage.tile = tile_samples(stage.channels, device_, precision_);
  for (const auto& block : weights.blocks) {
    stage.blocks.emplace_back(block, slope, device_, precision_);
    stage.reach = std::max(stage.reach, stage.blocks.back().reach());
  }
  if (weights.noise_weight.defined()) {
    // A strided convolution over one channel: with `stride` samples as channels it has stride 1.
    const std::int64_t stride = hop_ / samples_per_frame, kernel = weights.noise_weight.size(2), taps = (kernel + stride - 1) / stride;
    if (taps < 1 || taps > 2)
      fail(ErrorCode::bad_model, "The model's decoder has a kernel of {} samples over its excitation; expected at most {}.", kernel,
           2 * stride);
    const torch::Tensor padded = torch::constant_pad_nd(weights.noise_weight.to(torch::kFloat), {0, taps * stride - kernel});
    stage.noise =
        nn::PackedConv(padded.view({stage.channels, taps, stride}).transpose(1, 2), weights.noise_bias, {}, device_, torch::kFloat);
    stage.noise_stride = stride;
    stage.noise_taps = taps;
    stage.noise_padding = stride / 2;
  }
  return stage;
}

torch::Tensor HifiGan::excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const {
  if (!source_) return {};
  return (*source_)(f0, noise, phase);
}

Span HifiGan::stage_input(const Stage& stage, Span span, std::int64_t frames) const {
  const Span wide = span.widened(stage.reach).within(frames * stage.rate);
  return stage.up.input(wide).within(frames * stage.rate / stage.up.rate());
}

torch::Tensor HifiGan::run_tile(const Stage& stage, const Piece& input, const torch::Tensor& excitation, std::int64_t frames, Span span,
                                double next_slope) const {
  const std::int64_t length = frames * stage.rate;
  const Span wide = span.widened(stage.reach).within(length);
  torch::Tensor noise;
  if (stage.noise_stride > 0) {
    const Span covered = stage.up.covered(wide);
    const std::int64_t first = covered.begin * stage.noise_stride - stage.noise_padding;
    const std::int64_t rows = covered.size() + stage.noise_taps - 1;
    const torch::Tensor samples =
        rows_of(cut({image_of(excitation.unsqueeze(1)), 0}, {first, first + rows * stage.noise_stride}, excitation.size(0)));
    noise = stage.noise(image_of(samples.view({rows, stage.noise_stride})));
  }
  const Piece x = stage.up(input, length / stage.up.rate(), wide, noise);
  const Piece activated{torch::leaky_relu(x.x, slope), x.begin};
  torch::Tensor sum;
  for (const ResidualBlock& block : stage.blocks) {
    const torch::Tensor y = block(x, activated, span, length);
    sum = sum.defined() ? sum.add_(y) : y;
  }
  return torch::leaky_relu_(sum, next_slope);
}

Piece HifiGan::run_stage(const Stage& stage, const Piece& input, const torch::Tensor& excitation, std::int64_t frames, Span span,
                         double next_slope) const {
  return in_tiles(span, stage.tile, [&](Span tile) { return run_tile(stage, input, excitation, frames, tile, next_slope); });
}

torch::Tensor HifiGan::decode_block(const Piece& z, const torch::Tensor& excitation, const torch::Tensor& condition, std::int64_t frames,
                                    Span audio) const {
  std::vector<Span> spans(stages_.size() + 1);  // what each stage takes; then what the last one gives
  spans.back() = audio.widened(post_reach_).within(frames * hop_);
  for (std::size_t i = stages_.size(); i-- > 0;) spans[i] = stage_input(stages_[i], spans[i + 1], frames);
  Piece x{pre_(cut(z, spans[0].widened(pre_reach_), frames)), spans[0].begin};
  x.x = torch::leaky_relu_(x.x.add_(condition), slope).to(precision_);
  for (std::size_t i = 0; i < stages_.size(); ++i)
    x = run_stage(stages_[i], x, excitation, frames, spans[i + 1], i + 1 < stages_.size() ? slope : last_slope);
  return post_(cut(x, audio.widened(post_reach_), frames * hop_)).view({-1}).tanh_();
}

torch::Tensor HifiGan::decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker,
                                   std::int64_t first, std::int64_t last) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = z.size(1);
  const torch::Tensor condition = torch::addmv(cond_bias_, cond_weight_, speaker.to(device_, torch::kFloat)).view({1, -1, 1, 1});
  const Piece latent{image_of(z.to(device_, torch::kFloat).t().contiguous()), 0};
  const torch::Tensor source = source_ ? excitation.to(device_, torch::kFloat).contiguous() : torch::Tensor();
  return in_blocks({first, last}, hop_, latent.x.options(),
                   [&](Span audio) { return decode_block(latent, source, condition, frames, audio); });
}

}  // namespace voxconv::rvc
