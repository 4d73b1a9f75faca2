#include "models/rvc/refinegan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/fail.h"

namespace voxconv::rvc {
namespace {

constexpr double activation_slope = 0.2;
constexpr std::int64_t kernel = 7, reach = kernel / 2;  // of all convolutions outside the residual blocks
constexpr std::int64_t excitation_channels = 16, speaker_dim = 256;
constexpr std::int64_t block_kernels[] = {3, 7, 11}, block_dilations[] = {1, 3, 5};

constexpr double zero_crossings = 64, rolloff = 0.9475937167399596, beta = 14.769656459379492;
constexpr std::int64_t together = 32;  // samples that one row of the matrix product makes

/// The low-pass of torchaudio's resample() from `rate` samples to one with Applio's settings: a sinc of 64 zero crossings either side in a
/// Kaiser window (beta 14.7697, roll-off 0.9476). Float32 [2 * reach + rate].
torch::Tensor sinc_decimator(std::int64_t rate) {
  if (rate == 1) return torch::ones({1});
  const double orig = static_cast<double>(rate);
  const std::int64_t half_width = static_cast<std::int64_t>(std::ceil(zero_crossings * orig / rolloff));
  const torch::Tensor t =
      (torch::arange(-half_width, half_width + rate, torch::kDouble) / orig * rolloff).clamp(-zero_crossings, zero_crossings);
  const torch::Tensor window =
      torch::i0(beta * (1 - (t / zero_crossings).square()).sqrt()) / torch::i0(torch::full({}, beta, torch::kDouble));
  return (torch::sinc(t) * window * (rolloff / orig)).to(torch::kFloat);
}

/// `rows` [reach + n * rate + reach, C] -> [n, C]: a sample of each `rate`, filtered with `filter` [2 * reach + rate].
torch::Tensor decimate(const torch::Tensor& rows, const torch::Tensor& filter, std::int64_t rate) {
  const std::int64_t taps = filter.size(0), channels = rows.size(1), count = (rows.size(0) - taps) / rate + 1;
  // A product of windows that overlap with a matrix of shifted filters.
  const std::int64_t groups = (count + together - 1) / together, window = (together - 1) * rate + taps;
  torch::Tensor shifted = torch::zeros({together, window}, filter.options());
  for (std::int64_t i = 0; i < together; ++i) shifted[i].narrow(0, i * rate, taps).copy_(filter);
  const std::int64_t length = (groups - 1) * together * rate + window;
  torch::Tensor signals = torch::constant_pad_nd(rows.t(), {0, length - rows.size(0)}).contiguous();
  const torch::Tensor windows = signals.unfold(1, window, together * rate);  // [C, groups, window]
  const torch::Tensor out = torch::matmul(windows, shifted.t());             // [C, groups, together]
  return out.reshape({channels, groups * together}).narrow(1, 0, count).t().contiguous();
}

/// Samples of a signal that linear interpolation to `rate` times as many looks at.
Span interpolation_input(Span output, std::int64_t rate, std::int64_t length) {
  const auto at = [&](std::int64_t sample) {
    return static_cast<std::int64_t>(std::floor((static_cast<double>(sample) + 0.5) / static_cast<double>(rate) - 0.5));
  };
  const Span inside = Span{at(output.begin), at(output.end - 1) + 2}.within(length);
  return inside;
}

/// torch's linear interpolation (align_corners = false) of the samples `output`: [n, C] rows.
torch::Tensor interpolate(const Piece& x, Span output, std::int64_t rate, std::int64_t length) {
  const torch::TensorOptions doubles = torch::TensorOptions(torch::kDouble).device(x.x.device());
  const torch::Tensor place = ((torch::arange(output.begin, output.end, doubles) + 0.5) / static_cast<double>(rate) - 0.5).clamp_min_(0);
  const torch::Tensor floor = place.floor(), low = floor.to(torch::kLong), high = (low + 1).clamp_max_(length - 1);
  const torch::Tensor part = (place - floor).to(x.x.scalar_type()).unsqueeze(1), rows = rows_of(x.x);
  return torch::lerp(rows.index_select(0, low - x.begin), rows.index_select(0, high - x.begin), part);
}

Span hull(Span a, Span b) { return {std::min(a.begin, b.begin), std::max(a.end, b.end)}; }

}  // namespace

RefineGan::RefineGan(const Config& config, const RefineGanWeights& weights, torch::Device device, torch::ScalarType precision)
    : device_(device),
      precision_(precision),
      hop_(config.hop()),
      source_(weights.source_weight, {}, config.sample_rate, hop_, Excitation::Pitch::interpolated) {
  const torch::NoGradGuard guard;
  const auto in_float = [](const torch::Tensor& tensor) { return tensor.to(torch::kFloat); };
  pre_ = nn::PackedConv(weights.pre_weight, weights.pre_bias, {}, device, torch::kFloat, nn::Activation::leaky_relu, activation_slope);
  mel_ = nn::PackedConv(weights.mel_weight, weights.mel_bias, {}, device, torch::kFloat);
  cond_weight_ = in_float(weights.cond_weight).squeeze(2).to(device);
  cond_bias_ = in_float(weights.cond_bias).to(device);
  const std::size_t count = config.upsample_rates.size();
  for (std::size_t i = 0; i < count; ++i) {
    Down down;
    down.rate = config.upsample_rates[count - 1 - i];
    down.kernel = sinc_decimator(down.rate).to(device);
    down.reach = (down.kernel.size(0) - down.rate) / 2;
    const bool last = i + 1 == count;  // each level is kept activated; what joins the latent frames is activated with them
    down.conv = nn::PackedConv(weights.down_weight[i], weights.down_bias[i], {}, device, torch::kFloat,
                               last ? nn::Activation::none : nn::Activation::leaky_relu, activation_slope);
    downs_.push_back(std::move(down));
  }
  // The blocks of a stage are summed; the factor of their mean passes through the leaky ReLU into the weights of what follows.
  std::int64_t rate = 1, channels = config.upsample_channels;
  for (std::size_t i = 0; i < count; ++i) {
    Stage stage;
    stage.rate = config.upsample_rates[i];
    stage.samples_per_frame = rate *= stage.rate;
    torch::Tensor weight = in_float(weights.stages[i].weight).clone();
    if (i > 0) weight.slice(1, 0, channels) /= static_cast<double>(std::size(block_kernels));
    stage.conv = nn::TimeConv(weight, weights.stages[i].bias, 1, device, precision, activation_slope);
    stage.channels = channels /= 2;
    stage.tile = tile_samples(channels, device, precision);
    for (const auto& block : weights.stages[i].blocks) {
      stage.blocks.emplace_back(block, activation_slope, device, precision);
      stage.reach = std::max(stage.reach, stage.blocks.back().reach());
    }
    stages_.push_back(std::move(stage));
  }
  post_ = nn::PackedConv(in_float(weights.post_weight) / static_cast<double>(std::size(block_kernels)), {}, {}, device, torch::kFloat);

  // Far from the ends: what one frame's samples need.
  const std::int64_t frames = 1 << 20, middle = frames / 2;
  const Plan needed = plan({middle * hop_, (middle + 1) * hop_}, frames);
  const Span latent = needed.stages[0].widened(reach), source = needed.downs[0].widened(reach);
  const std::int64_t first = std::min(latent.begin, source.begin / hop_), last = std::max(latent.end, (source.end - 1) / hop_ + 1);
  context_frames_ = std::max(middle - first, last - middle - 1);
}

torch::Tensor RefineGan::excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const {
  return source_(f0, noise, phase);
}

RefineGan::Plan RefineGan::plan(Span audio, std::int64_t frames) const {
  const std::size_t count = stages_.size();
  Plan result;
  result.stages.resize(count + 1);
  result.downs.resize(count + 1);
  result.stages[count] = audio.widened(reach).within(frames * hop_);
  for (std::size_t i = count; i-- > 0;) {
    const Stage& stage = stages_[i];
    const std::int64_t length = frames * stage.samples_per_frame;
    const Span joined = result.stages[i + 1].widened(stage.reach).within(length).widened(reach).within(length);
    result.downs[count - 1 - i] = joined;
    result.stages[i] = interpolation_input(joined, stage.rate, length / stage.rate);
  }
  result.downs[count] = result.stages[0];
  for (std::size_t i = count; i-- > 0;) {
    const Down& down = downs_[i];
    const std::int64_t length = frames * stages_[count - 1 - i].samples_per_frame;
    const Span below = result.downs[i + 1].widened(reach).within(length / down.rate);
    const Span taken = Span{below.begin * down.rate - down.reach, below.end * down.rate + down.reach}.within(length);
    result.downs[i] = hull(result.downs[i], taken);
  }
  return result;
}

/// Samples `span` of the next lower rate; `length`: of the signal at the rate of `x`.
Piece RefineGan::descend(const Down& down, const Piece& x, Span span, std::int64_t length) const {
  const std::int64_t lower = length / down.rate;
  const Span wide = span.widened(reach).within(lower);
  const torch::Tensor taken = cut(x, {wide.begin * down.rate - down.reach, wide.end * down.rate + down.reach}, length);
  const Piece slow{image_of(decimate(rows_of(taken), down.kernel, down.rate)), wide.begin};
  return {down.conv(cut(slow, span.widened(reach), lower)), span.begin};
}

torch::Tensor RefineGan::run_tile(const Stage& stage, const Piece& below, const Piece& beside, std::int64_t frames, Span span) const {
  const std::int64_t length = frames * stage.samples_per_frame;
  const Span wide = span.widened(stage.reach).within(length), joined = wide.widened(reach).within(length);
  const torch::Tensor rows =
      torch::cat({interpolate(below, joined, stage.rate, length / stage.rate), rows_of(cut(beside, joined, length)).to(precision_)}, 1);
  const Piece x{stage.conv(cut({image_of(rows), joined.begin}, wide.widened(reach), length)), wide.begin};
  const Piece activated{torch::leaky_relu(x.x, activation_slope), wide.begin};
  torch::Tensor sum;
  for (const ResidualBlock& block : stage.blocks) {
    torch::Tensor y = block(x, activated, span, length);
    torch::leaky_relu_(y, activation_slope);
    sum = sum.defined() ? sum.add_(y) : y;
  }
  return torch::leaky_relu_(sum, activation_slope);
}

torch::Tensor RefineGan::decode_block(const Piece& z, const Piece& excitation, const torch::Tensor& condition, std::int64_t frames,
                                      Span audio) const {
  const std::size_t count = stages_.size();
  const Plan spans = plan(audio, frames);
  std::vector<Piece> levels{{pre_(cut(excitation, spans.downs[0].widened(reach), frames * hop_)), spans.downs[0].begin}};
  for (std::size_t i = 0; i < count; ++i)
    levels.push_back(descend(downs_[i], levels[i], spans.downs[i + 1], frames * stages_[count - 1 - i].samples_per_frame));
  const Span first = spans.stages[0];
  const torch::Tensor latent = mel_(cut(z, first.widened(reach), frames)).add_(condition);
  Piece x{torch::cat({rows_of(latent), rows_of(cut(levels[count], first, frames))}, 1), first.begin};
  x.x = image_of(torch::leaky_relu_(x.x, activation_slope).to(precision_));
  for (std::size_t i = 0; i < count; ++i)
    x = in_tiles(spans.stages[i + 1], stages_[i].tile,
                 [&](Span tile) { return run_tile(stages_[i], x, levels[count - 1 - i], frames, tile); });
  return post_(cut(x, audio.widened(reach), frames * hop_)).view({-1}).tanh_();
}

torch::Tensor RefineGan::decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker,
                                     std::int64_t first, std::int64_t last) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = z.size(1);
  const torch::Tensor condition = torch::addmv(cond_bias_, cond_weight_, speaker.to(device_, torch::kFloat)).view({1, -1, 1, 1});
  const Piece latent{image_of(z.to(device_, torch::kFloat).t().contiguous()), 0};
  const Piece source{image_of(excitation.to(device_, torch::kFloat).contiguous().unsqueeze(1)), 0};
  return in_blocks({first, last}, hop_, latent.x.options(),
                   [&](Span audio) { return decode_block(latent, source, condition, frames, audio); });
}

RefineGanWeights read_refinegan(const Config& config, nn::TensorReader& reader) {
  const std::size_t count = config.upsample_rates.size();
  // At each rate the excitation's channels are half of what comes from below.
  if (config.upsample_channels != 2 * excitation_channels << count || config.speaker_dim != speaker_dim)
    fail(ErrorCode::bad_model, "The model's RefineGAN has {} channels in {} stages and speakers of {} numbers; expected {} and {}.",
         config.upsample_channels, count, config.speaker_dim, 2 * excitation_channels << count, speaker_dim);
  RefineGanWeights weights;
  const auto take = [&](const std::string& name, torch::IntArrayRef shape, torch::Tensor& weight, torch::Tensor& bias) {
    weight = reader.take(name + ".weight", shape);
    bias = reader.take(name + ".bias", {shape[0]});
  };
  weights.source_weight = reader.take("m_source.merge.0.weight", {1, 1});
  take("pre_conv", {excitation_channels, 1, kernel}, weights.pre_weight, weights.pre_bias);
  std::int64_t channels = excitation_channels;
  weights.down_weight.resize(count);
  weights.down_bias.resize(count);
  for (std::size_t i = 0; i < count; ++i, channels *= 2)
    take(fmt::format("downsample_blocks.{}", i), {channels * 2, channels, kernel}, weights.down_weight[i], weights.down_bias[i]);
  channels = config.upsample_channels;
  take("mel_conv", {channels / 2, config.inter_channels, kernel}, weights.mel_weight, weights.mel_bias);
  take("cond", {channels / 2, speaker_dim, 1}, weights.cond_weight, weights.cond_bias);
  for (std::size_t i = 0; i < count; ++i, channels /= 2) {
    RefineGanWeights::Stage stage;
    const std::int64_t out = channels / 2;
    const std::string name = fmt::format("upsample_conv_blocks.{}.", i);
    take(name + "input_conv", {out, channels + channels / 4, kernel}, stage.weight, stage.bias);
    for (std::size_t j = 0; j < std::size(block_kernels); ++j) {
      const std::string block = fmt::format("{}blocks.{}.", name, j);
      for (const char* noise : {"0", "2"}) reader.take(fmt::format("{}{}.weight", block, noise), {out});
      std::vector<ResidualWeights> steps;
      for (std::size_t k = 0; k < std::size(block_dilations); ++k) {
        ResidualWeights step;
        step.dilation = block_dilations[k];
        take(fmt::format("{}1.convs1.{}", block, k), {out, out, block_kernels[j]}, step.weight1, step.bias1);
        take(fmt::format("{}1.convs2.{}", block, k), {out, out, block_kernels[j]}, step.weight2, step.bias2);
        steps.push_back(std::move(step));
      }
      stage.blocks.push_back(std::move(steps));
    }
    weights.stages.push_back(std::move(stage));
  }
  weights.post_weight = reader.take("conv_post.weight", {1, channels, kernel});
  return weights;
}

}  // namespace voxconv::rvc
