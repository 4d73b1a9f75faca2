#include "train/audio_discriminator.h"

#include "train/losses.h"

namespace voxconv::train {
namespace {

constexpr std::int64_t fft_sizes[] = {512, 1024, 2048};
constexpr std::int64_t widths[] = {1, 16, 32, 32};
constexpr double slope = 0.2;

}  // namespace

AudioDiscriminatorImpl::AudioDiscriminatorImpl() {
  stacks_ = register_module("stacks", torch::nn::ModuleList());
  for (std::size_t r = 0; r < std::size(fft_sizes); ++r) {
    torch::nn::ModuleList layers;
    for (std::size_t i = 0; i + 1 < std::size(widths); ++i) {
      // [B, C, frequency, time]: the first layer thins out the frequencies only.
      const std::vector<std::int64_t> stride = i == 0 ? std::vector<std::int64_t>{4, 1} : std::vector<std::int64_t>{2, 2};
      layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(widths[i], widths[i + 1], {9, 3}).stride(stride).padding({4, 1})));
    }
    layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(widths[std::size(widths) - 1], 1, 3).padding(1)));
    stacks_->push_back(layers);
  }
}

AudioDiscriminatorImpl::Judgement AudioDiscriminatorImpl::forward(const torch::Tensor& audio) {
  Judgement result;
  std::vector<torch::Tensor> scores;
  for (std::size_t r = 0; r < std::size(fft_sizes); ++r) {
    const auto& layers = *stacks_[r]->as<torch::nn::ModuleList>();
    // About -1 (silence) .. 1.5 (loud).
    torch::Tensor h = magnitude(audio, fft_sizes[r]).log().unsqueeze(1) / 4 + 1.3;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      h = layers[i]->as<torch::nn::Conv2d>()->forward(h);
      if (i + 1 == layers.size()) break;
      h = torch::leaky_relu(h, slope);
      result.features.push_back(h);
    }
    scores.push_back(h.flatten(1));
  }
  result.scores = torch::cat(scores, 1).to(torch::kFloat);
  return result;
}

torch::Tensor feature_loss(const std::vector<torch::Tensor>& real, const std::vector<torch::Tensor>& fake) {
  torch::Tensor loss = torch::zeros({}, torch::TensorOptions().device(fake.front().device()));
  for (std::size_t i = 0; i < real.size(); ++i)
    loss = loss + (real[i] - fake[i]).abs().mean().to(torch::kFloat) / real[i].abs().mean().to(torch::kFloat).clamp_min(1e-3);
  return loss / double(real.size());
}

}  // namespace voxconv::train
