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

torch::Tensor spectral_energy_distance(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& target,
                                       const std::vector<std::int64_t>& sizes) {
  torch::Tensor loss = torch::zeros({}, target.options());
  for (const std::int64_t size : sizes) {
    torch::Tensor wanted;
    {
      torch::NoGradGuard no_grad;
      wanted = magnitude(target, size);
    }
    const torch::Tensor scale = wanted.mean().clamp_min(1e-3), log_wanted = wanted.log();
    const torch::Tensor first = magnitude(a, size), second = magnitude(b, size), log_first = first.log(), log_second = second.log();
    // [B, bins, frames]; the tiny power keeps the gradient of the root finite.
    const auto distance = [&](const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& log_x, const torch::Tensor& log_y) {
      return (x - y).abs().mean() / scale + ((log_x - log_y).square().mean(1) + 1e-6).sqrt().mean();
    };
    loss = loss + distance(first, wanted, log_first, log_wanted) + distance(second, wanted, log_second, log_wanted) -
           distance(first, second, log_first, log_second);
  }
  return loss / (2 * double(sizes.size()));
}

torch::Tensor ranked_probability_score(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& target) {
  return 0.5 * ((a - target).abs() + (b - target).abs() - (a - b).abs());
}

torch::Tensor discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake) {
  return (real - 1).square().mean() + fake.square().mean();
}

torch::Tensor generator_loss(const torch::Tensor& fake) { return (fake - 1).square().mean(); }

}  // namespace voxconv::train
