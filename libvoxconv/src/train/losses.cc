#include "train/losses.h"

namespace voxconv::train {
namespace {

constexpr double floor_magnitude = 1e-4;

torch::Tensor magnitude(const torch::Tensor& audio, std::int64_t size) {
  const torch::Tensor window = torch::hann_window(size, audio.options());
  const torch::Tensor spectrum = torch::stft(audio, size, size / 4, size, window, true, "reflect", false, true, true);
  // The tiny power keeps the gradient of the root finite.
  return (torch::view_as_real(spectrum).square().sum(-1) / double(size) + floor_magnitude * floor_magnitude).sqrt();
}

}  // namespace

torch::Tensor stft_loss(const torch::Tensor& prediction, const torch::Tensor& target, const std::vector<std::int64_t>& sizes) {
  torch::Tensor loss = torch::zeros({}, prediction.options());
  for (const std::int64_t size : sizes) {
    torch::Tensor wanted;
    {
      torch::NoGradGuard no_grad;
      wanted = magnitude(target, size);
    }
    const torch::Tensor got = magnitude(prediction, size);
    loss = loss + (got - wanted).norm() / wanted.norm().clamp_min(1e-3) + (got.log() - wanted.log()).abs().mean();
  }
  return loss / double(sizes.size());
}

torch::Tensor discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake) {
  return (real - 1).square().mean() + fake.square().mean();
}

torch::Tensor generator_loss(const torch::Tensor& fake) { return (fake - 1).square().mean(); }

}  // namespace voxconv::train
