#include "models/separation/roformer/network.h"

#include <algorithm>

namespace voxconv::roformer {
namespace {

constexpr std::int64_t audio_channels = 2, complex = 2;

/// Tokens that are computed at a time: on the CPU, as many as stay in its caches between two layers.
std::int64_t tile_tokens(torch::Device device) { return device.is_cpu() ? 1024 : std::int64_t(1) << 20; }

/// Sequences [count, tokens, dim] through a transformer, some at a time; the results replace them.
void in_tiles(const Transformer& transformer, std::int64_t tile, const torch::Tensor& sequences) {
  const std::int64_t at_once = std::max<std::int64_t>(1, tile / sequences.size(1));
  for (std::int64_t first = 0; first < sequences.size(0); first += at_once) {
    const torch::Tensor part = sequences.slice(0, first, first + at_once);
    part.copy_(transformer(part.contiguous()));
  }
}

}  // namespace

Network::Network(nn::TensorReader& reader, NetworkConfig config, std::int64_t frames, Arithmetic arithmetic)
    : config_(std::move(config)), tile_(tile_tokens(arithmetic.device)) {
  const torch::NoGradGuard guard;
  const auto count = std::ssize(config_.bands);
  for (const Band& band : config_.bands) bins_ = std::max(bins_, band.first + band.count);
  bands_over_bin_ = torch::zeros({bins_, 1, 1});
  for (std::int64_t b = 0; b < count; ++b) {
    const Band& band = config_.bands[std::size_t(b)];
    const std::string name = "band_split.to_features." + std::to_string(b);
    const std::int64_t width = band.count * audio_channels * complex;
    split_.emplace_back(reader.take(name + ".1.weight", {config_.dim, width}), reader.take(name + ".0.gamma", {width}),
                        reader.take(name + ".1.bias", {config_.dim}), arithmetic);
    bands_over_bin_.narrow(0, band.first, band.count).add_(1);
  }
  reader.release();
  bands_over_bin_ = bands_over_bin_.to(arithmetic.device);
  for (std::int64_t i = 0; i < config_.depth; ++i) {
    std::int64_t place = 0;
    const auto transformer = [&](AttentionKind kind, std::int64_t depth, std::int64_t positions) {
      const std::string name = "layers." + std::to_string(i) + "." + std::to_string(place++);
      return Transformer(reader, name, kind, depth, positions, config_, arithmetic);
    };
    std::optional<Transformer> linear;
    if (has_linear()) linear = transformer(AttentionKind::linear, config_.linear_depth, 0);
    Transformer time = transformer(AttentionKind::rotary, config_.time_depth, frames);
    blocks_.push_back({std::move(linear), std::move(time), transformer(AttentionKind::rotary, config_.band_depth, count)});
    reader.release();
  }
  if (!config_.norm_in_blocks) final_gamma_ = reader.take("final_norm.gamma", {config_.dim}).to(arithmetic.device, torch::kFloat);
  for (std::int64_t s = 0; s < config_.stems; ++s) {
    auto& estimators = estimators_.emplace_back();
    for (std::int64_t b = 0; b < count; ++b) {
      MaskEstimator& estimator = estimators.emplace_back();
      for (std::int64_t i = 0; i < config_.mask_layers; ++i) {
        const bool last = i + 1 == config_.mask_layers;
        const std::string name = "mask_estimators." + std::to_string(s) + ".to_freqs." + std::to_string(b) + ".0." + std::to_string(2 * i);
        // The last layer gives each number and, in the second half, its gate.
        const std::int64_t in = i == 0 ? config_.dim : config_.mask_dim,
                           out = last ? 2 * config_.bands[std::size_t(b)].count * audio_channels * complex : config_.mask_dim;
        estimator.emplace_back(reader.take(name + ".weight", {out, in}), reader.take(name + ".bias", {out}), arithmetic.device,
                               arithmetic.type, last ? nn::Activation::none : nn::Activation::tanh, nn::Packing::each_call);
      }
      reader.release();
    }
  }
}

torch::Tensor Network::split(const torch::Tensor& spectrum) const {
  std::vector<torch::Tensor> tokens;
  for (std::size_t b = 0; b < config_.bands.size(); ++b)
    tokens.push_back(split_[b](spectrum.narrow(1, config_.bands[b].first, config_.bands[b].count).flatten(1)));
  return torch::stack(tokens, 1).to(torch::kFloat);
}

torch::Tensor Network::linear(std::int64_t block, const torch::Tensor& tokens) const {
  return (*blocks_[std::size_t(block)].linear)(tokens.flatten(0, 1).unsqueeze(0)).view(tokens.sizes());
}

torch::Tensor Network::along_time(std::int64_t block, torch::Tensor tokens) const {
  in_tiles(blocks_[std::size_t(block)].time, tile_, tokens.transpose(0, 1));
  return tokens;
}

torch::Tensor Network::along_bands(std::int64_t block, torch::Tensor tokens) const {
  in_tiles(blocks_[std::size_t(block)].bands, tile_, tokens);
  return tokens;
}

torch::Tensor Network::masks(const torch::Tensor& tokens, const std::vector<std::int64_t>& stems) const {
  const torch::Tensor normed = final_gamma_.defined() ? rms_norm(tokens, final_gamma_) : tokens;
  torch::Tensor masks = torch::zeros({std::ssize(stems), tokens.size(0), bins_, audio_channels, complex}, tokens.options());
  for (std::int64_t s = 0; s < std::ssize(stems); ++s)
    for (std::int64_t b = 0; b < std::ssize(config_.bands); ++b) {
      const Band& band = config_.bands[std::size_t(b)];
      torch::Tensor x = normed.select(1, b);
      for (const nn::PackedLinear& layer : estimators_[std::size_t(stems[std::size_t(s)])][std::size_t(b)]) {
        x = layer(x);
        layer.release();
      }
      masks[s].narrow(1, band.first, band.count).add_(at::glu(x.to(torch::kFloat), 1).view({-1, band.count, audio_channels, complex}));
    }
  return masks.div_(bands_over_bin_);
}

torch::Tensor Network::operator()(const torch::Tensor& spectrum, const std::vector<std::int64_t>& stems) const {
  const torch::NoGradGuard guard;
  torch::Tensor tokens = split(spectrum), sum;  // the sum of what the blocks gave
  for (std::int64_t i = 0; i < config_.depth; ++i) {
    if (has_linear()) tokens = linear(i, tokens);
    if (config_.skip_connection && i > 0) tokens.add_(sum);
    tokens = along_bands(i, along_time(i, tokens));
    if (config_.skip_connection) sum = i > 0 ? sum.add_(tokens) : tokens.clone();
  }
  return masks(tokens, stems);
}

}  // namespace voxconv::roformer
