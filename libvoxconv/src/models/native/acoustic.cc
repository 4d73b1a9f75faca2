#include "models/native/acoustic.h"

#include <cmath>

#include "nn/module.h"

namespace voxconv::native {
namespace {

// While training, relative to the spread of each channel, which could outgrow a fixed noise. A choice of channels is what keeps the speaker
// out, with noise as large; of all channels so much noise would only teach the model to follow them less than it should.
constexpr double noise_on_choice = 0.5, noise_on_all = 0.2;

/// [B, T] f0 and loudness -> [B, T, 3]. Pitch is squashed far from speech so that high singing stays near what training has seen.
torch::Tensor prosody_features(const torch::Tensor& f0, const torch::Tensor& loudness) {
  const torch::Tensor voiced = (f0 > 0).to(f0.scalar_type());
  const torch::Tensor octaves = torch::log2(f0.clamp_min(20) / 200);
  const torch::Tensor pitch = 1.5 * torch::tanh(octaves / 1.5) * voiced;
  return torch::stack({pitch, 1 - voiced, loudness / 3 + 1}, -1);
}

/// A fixed choice of the content's channels [count, content_dim]: a learned projection is free to keep who speaks (Zhou et al.,
/// Interspeech 2025).
torch::Tensor channel_selection(std::int64_t count) {
  const auto random = at::detail::createCPUGenerator(1);
  const torch::Tensor chosen = torch::randperm(content_dim, random, torch::kLong).slice(0, 0, count);
  return torch::one_hot(std::get<0>(chosen.sort()), content_dim).to(torch::kFloat);
}

}  // namespace

AcousticModelImpl::AcousticModelImpl(std::int64_t content_channels) : content_channels_(content_channels) {
  content_norm_ = register_module("content_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({content_dim})));
  if (content_channels < content_dim) squeeze_ = register_module("squeeze", torch::nn::Linear(content_dim, content_channels));
  input_ = register_module("input", torch::nn::Conv1d(torch::nn::Conv1dOptions(content_channels, channels, 5).padding(2)));
  prosody_ = register_module("prosody", torch::nn::Linear(3, channels));
  speaker_ = register_module("speaker", torch::nn::Linear(speaker_dim, condition_dim));
  blocks_ = register_module("blocks", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < blocks; ++i) blocks_->push_back(ConvNeXt(channels, 3, condition_dim));
  output_norm_ = register_module("output_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  output_ = register_module("output", torch::nn::Linear(channels, envelope_bins));
  if (squeeze_) {
    torch::NoGradGuard no_grad;
    squeeze_->weight.copy_(channel_selection(content_channels));
    squeeze_->bias.zero_();
    for (const torch::Tensor& fixed : {squeeze_->weight, squeeze_->bias}) fixed.set_requires_grad(false);
  }
  for (const torch::Tensor& fixed : {content_norm_->weight, content_norm_->bias}) fixed.set_requires_grad(false);
}

torch::Tensor AcousticModelImpl::forward(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness,
                                         const torch::Tensor& speaker) {
  torch::Tensor words = content_norm_(content);
  if (squeeze_) words = squeeze_(words);
  if (is_training())
    words = words + (squeeze_ ? noise_on_choice : noise_on_all) * words.detach().std(torch::IntArrayRef{0, 1}) * torch::randn_like(words);
  // Embeddings are unit vectors of 256 numbers: scaled to about one each.
  const torch::Tensor condition = torch::gelu(speaker_(speaker * std::sqrt(double(speaker_dim))));
  torch::Tensor h = convolve_time(input_, words) + prosody_(prosody_features(f0, loudness));
  for (const auto& block : *blocks_) h = block->as<ConvNeXt>()->forward(h, condition);
  return output_(output_norm_(h)) + loudness.unsqueeze(-1);
}

AcousticModel load_acoustic_model(const nn::Safetensors& file) {
  nn::StateDict tensors = file.tensors();
  tensors.erase("acoustic.variation.weight");  // voices made before December 2026 have a random input, which was 0 in conversion
  const auto selection = tensors.find("acoustic.squeeze.bias");
  const bool all = selection == tensors.end() || selection->second.numel() < 1 || selection->second.numel() >= content_dim;
  AcousticModel model(all ? content_dim : selection->second.numel());
  nn::load_parameters(*model, tensors, file.path(), "acoustic.");
  return model;
}

}  // namespace voxconv::native
