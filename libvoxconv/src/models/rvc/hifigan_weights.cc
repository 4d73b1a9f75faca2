#include "models/rvc/hifigan_weights.h"

#include <fmt/format.h>

namespace voxconv::rvc {

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

}  // namespace voxconv::rvc
