#include "train/discriminator.h"

#include <cmath>

#include "models/native/config.h"

namespace voxconv::train {
namespace {

constexpr std::int64_t widths[] = {1, 24, 48, 96, 96};

}  // namespace

DiscriminatorImpl::DiscriminatorImpl() {
  layers_ = register_module("layers", torch::nn::ModuleList());
  for (std::size_t i = 0; i + 1 < std::size(widths); ++i)
    layers_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(widths[i], widths[i + 1], {5, 5}).stride(i < 3 ? 2 : 1).padding(2)));
  const std::int64_t last = widths[std::size(widths) - 1];
  score_ = register_module("score", torch::nn::Conv2d(torch::nn::Conv2dOptions(last, 1, 3).padding(1)));
  speaker_ = register_module("speaker", torch::nn::Linear(native::speaker_dim, last));
}

torch::Tensor DiscriminatorImpl::forward(const torch::Tensor& envelope, const torch::Tensor& speaker) {
  torch::Tensor h = envelope.unsqueeze(1) / 2;
  for (const auto& layer : *layers_) h = torch::leaky_relu(layer->as<torch::nn::Conv2d>()->forward(h), 0.2);
  const torch::Tensor wanted = speaker_(speaker * std::sqrt(double(native::speaker_dim)) / 4).unsqueeze(-1).unsqueeze(-1);
  return (score_(h) + (h * wanted).mean(1, true)).flatten(1);
}

}  // namespace voxconv::train
